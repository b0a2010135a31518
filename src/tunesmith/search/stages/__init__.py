"""The stages of a sweep: what each of them runs, and in which order."""
