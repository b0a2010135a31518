"""The search: space, study, hand-over of trials, worker. Never imports torch."""
