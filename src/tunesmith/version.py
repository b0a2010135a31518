"""The version of this package; pyproject.toml reads it here, so a project of another name has it too."""

__version__ = "0.2.0"
