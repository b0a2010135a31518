"""Hydra sweeper over Optuna 5: hydra/sweeper=tunesmith. Hydra imports it at each start: nothing heavy here."""
