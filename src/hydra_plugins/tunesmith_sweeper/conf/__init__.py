"""Plain YAML config groups; Hydra reads a pkg:// source only where there is an __init__.py."""
