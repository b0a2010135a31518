"""The plugin's config groups, plain YAML. Hydra reads a pkg:// source only from a folder with an __init__.py."""
