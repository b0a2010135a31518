"""What a study's trials say of its space, its pruner and its budget, and what to do next: docs/study_checks.md."""
