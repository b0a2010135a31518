"""What went wrong in a training, from plain values that any run folder holds: facts, features, rules, remedies."""
