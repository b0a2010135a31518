"""How a worker runs its trials: in its own process, or each in a process of its own."""
