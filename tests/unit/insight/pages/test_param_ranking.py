"""The order of a study's parameters, which several sections of its page show."""

from __future__ import annotations

from optuna.distributions import FloatDistribution
from shown import random_trials, shown_study

from tunesmith.insight.pages.param_ranking import rank_params


def test_the_most_important_parameter_comes_first() -> None:
    ranking = rank_params(shown_study(random_trials(60), {"lr": FloatDistribution(0.0, 1.0)}))
    assert ranking.why_none is None
    assert [scale.key for scale in ranking.scales] == list(ranking.shares)
    assert next(iter(ranking.shares)) == "lr"


def test_without_importances_parameters_stay_in_the_order_of_the_study() -> None:
    study = shown_study(random_trials(9))
    ranking = rank_params(study)
    assert (ranking.why_none is None, ranking.shares) == (False, {})
    assert [scale.key for scale in ranking.scales] == [param.key for param in study.params]


def test_it_is_made_once_for_all_sections_of_a_page() -> None:
    study = shown_study(random_trials(60))
    assert rank_params(study) is rank_params(study)
    assert rank_params(study) is not rank_params(shown_study(random_trials(60)))
