"""Callbacks that our runs add to Lightning's training loop."""
