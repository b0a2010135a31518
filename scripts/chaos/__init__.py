"""What scripts/chaos.py and scripts/chaos_long.py are made of."""
