"""Sweeps: a study, its workers, and what a study leaves behind. Imports no torch."""
