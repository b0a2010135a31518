"""A run that goes on from a checkpoint is the run that was begun; one that cannot leaves its folder as it was."""
