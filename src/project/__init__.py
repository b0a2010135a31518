"""Yours: models, data, learners, metrics and rules of your research; conf/ names them by `_target_`."""
