"""Runs on several devices: rank zero speaks and writes, the other ranks work along."""
