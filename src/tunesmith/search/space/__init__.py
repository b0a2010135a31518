"""Override strings <-> distributions, and the config of one trial."""
