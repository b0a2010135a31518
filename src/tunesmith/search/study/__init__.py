"""One study and its attempts: what each attempt carries, the budget, retries, heartbeats."""
