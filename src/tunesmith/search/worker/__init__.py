"""The worker's loop: ask for trials, have them run, tell how each ended."""
