"""Probes: what a training measures of its layers and of itself, without a random number and without a change."""
