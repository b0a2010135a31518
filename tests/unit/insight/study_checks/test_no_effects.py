"""Keys that might as well be fixed."""

from __future__ import annotations

from checked import drawn

from tunesmith.insight.study_checks.no_effects import keys_with_effect, keys_without_effect


def quadratic(place: float, kind: str) -> float:
    return (place - 0.5) ** 2


def test_a_key_without_effect_is_fixed_at_its_best_value() -> None:
    study = drawn(90, quadratic, seed=1)
    (finding,) = keys_without_effect(study)
    assert finding.override == f"kind={study.scored[0].params['kind']}"


def test_below_60_configurations_nothing_is_said() -> None:
    assert list(keys_without_effect(drawn(59, quadratic))) == []


def test_the_others_have_an_effect() -> None:
    assert keys_with_effect(drawn(90, quadratic)) == ["lr"]
