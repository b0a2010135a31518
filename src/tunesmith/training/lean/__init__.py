"""The lean engine: trains our own learner on our own arrays without Lightning's Trainer, to the same numbers."""
