"""A user's mistake becomes one line."""
