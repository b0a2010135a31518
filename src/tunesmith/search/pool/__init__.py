"""Keeps the workers of a sweep alive: processes of this machine, or jobs of a cluster."""
