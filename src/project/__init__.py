"""Your code: models, data, learners, metrics; conf/ names them by _target_. Replace these examples by your own."""
