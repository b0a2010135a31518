"""Points that are known before a search begins, and run first."""
