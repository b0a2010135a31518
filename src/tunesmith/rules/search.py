"""Which values the arguments of Optuna's samplers and pruners may take: Optuna looks at few of them, late."""

from __future__ import annotations

from tunesmith.rules import (
    FLAG,
    NODE,
    NOT_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SEED,
    Rule,
    either,
    integer,
    number,
    one_of,
    or_null,
)

_MADE = Rule(NODE.says, lambda value: NODE.holds(value) or callable(value))
_ANY_NUMBER = number("of any size", lambda value: True)
_RESOURCE = either(integer(1), Rule("auto", lambda value: value == "auto"))
_WARMUP: dict[str, Rule] = {"n_warmup_steps": integer(0), "interval_steps": integer(1)}
_PERCENTILE: dict[str, Rule] = {**_WARMUP, "n_startup_trials": integer(0), "n_min_trials": integer(1)}
_GENETIC: dict[str, Rule] = {
    "population_size": integer(2),
    "mutation_prob": PROBABILITY,
    "crossover_prob": PROBABILITY,
    "swapping_prob": PROBABILITY,
    "crossover": _MADE,
    "mutation": _MADE,
    "dividing_parameter": integer(1),
}

# `_target_` -> argument -> rule, as in rule_table.py; null leaves an argument at Optuna's own value everywhere.
SEARCH_TARGETS: dict[str, dict[str, Rule]] = {
    "optuna.samplers.*": {
        "seed": SEED,
        "n_startup_trials": integer(0),
        "independent_sampler": _MADE,
        "constraints_func": _MADE,
        "warn_independent_sampling": FLAG,
    },
    "optuna.samplers.*TPESampler": {
        "n_ei_candidates": integer(1),
        "multivariate": FLAG,
        "constant_liar": FLAG,
        "group": FLAG,
        "consider_prior": FLAG,
        "consider_magic_clip": FLAG,
        "consider_endpoints": FLAG,
        "prior_weight": NOT_NEGATIVE,
        "gamma": _MADE,
        "weights": _MADE,
    },
    "optuna.samplers.*CmaEsSampler": {
        "popsize": integer(2),
        "inc_popsize": integer(-1),
        "sigma0": POSITIVE,
        "consider_pruned_trials": FLAG,
        "use_separable_cma": FLAG,
        "with_margin": FLAG,
        "lr_adapt": FLAG,
    },
    "optuna.samplers.*GPSampler": {"deterministic_objective": FLAG},
    "optuna.samplers.*NSGAII*Sampler": _GENETIC,
    "optuna.samplers.*QMCSampler": {
        "qmc_type": one_of("sobol", "halton"),
        "scramble": FLAG,
        "warn_asynchronous_seeding": FLAG,
    },
    "optuna.samplers.*BruteForceSampler": {"avoid_premature_stop": FLAG},
    "optuna.pruners.*MedianPruner": _PERCENTILE,
    "optuna.pruners.*PercentilePruner": {
        **_PERCENTILE,
        "percentile": number("in [0, 100]", lambda value: 0 <= value <= 100),
    },
    "optuna.pruners.*SuccessiveHalvingPruner": {
        "min_resource": _RESOURCE,
        "reduction_factor": integer(2),
        "min_early_stopping_rate": integer(0),
        "bootstrap_count": integer(0),
    },
    "optuna.pruners.*HyperbandPruner": {
        "min_resource": integer(1),
        "max_resource": _RESOURCE,
        "reduction_factor": integer(2),
        "bootstrap_count": integer(0),
    },
    "optuna.pruners.*PatientPruner": {
        "wrapped_pruner": or_null(NODE),  # without a value of its own
        "patience": integer(0),
        "min_delta": NOT_NEGATIVE,
    },
    "optuna.pruners.*ThresholdPruner": {**_WARMUP, "lower": _ANY_NUMBER, "upper": _ANY_NUMBER},
    "optuna.pruners.*WilcoxonPruner": {"p_threshold": PROBABILITY, "n_startup_steps": integer(0)},
}
