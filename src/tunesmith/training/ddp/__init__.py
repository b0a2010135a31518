"""Runs on several devices: rank zero prints and writes, the other ranks only train."""
