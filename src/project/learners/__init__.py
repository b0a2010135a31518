"""Learners: subclasses of tunesmith's Supervised, or any LightningModule."""
