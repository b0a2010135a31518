"""The names that findings may have, in the order of cause: what comes first makes what follows."""

DATA_FAULTS = ("duplicates", "shift", "give_away", "unshuffled")
START_FAULTS = (
    *("zero_weights", "unscaled_inputs", "squashed_outputs", "unscaled_targets"),
    *("exploding_init", "dead_units", "vanishing_gradients"),
)
STEP_FAULTS = ("diverged", "learning_rate_too_high", "learning_rate_too_low")
END_FAULTS = (
    *("labels_tell_nothing", "too_regularised", "too_few_steps", "stopped_too_early", "too_small_or_short"),
    *("overfitting", "noisy_labels"),
)
FAULTS = (*DATA_FAULTS, *START_FAULTS, *STEP_FAULTS, *END_FAULTS)
CAUTIONS = ("imbalance", "few_validation_samples")
