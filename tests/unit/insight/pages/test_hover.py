"""What a figure shows of a trial under the pointer."""

from __future__ import annotations

from study_pages import trial

from tunesmith.insight.pages.hover import MAX_PARAMS, describe


def test_a_trial_is_told_in_lines_without_its_markup() -> None:
    told = describe(trial(3, 0.5, params={"<b>": 1e-5, "units": "<i>"}, stage="s", is_baseline=True), "9 epochs")
    assert told.split("<br>") == [
        "<b>trial 3</b> complete (baseline), value 0.5",
        "9 epochs",
        "stage s",
        "&lt;b&gt; = 1e-05",
        "units = &lt;i&gt;",
    ]


def test_a_failure_has_its_reason_and_several_objectives_have_all_values() -> None:
    assert describe(trial(0, None, "failed", reason="a <bug>")).endswith("value -<br>a &lt;bug&gt;")
    assert "value 1, 2" in describe(trial(0, 1.0, values=[1.0, 2.0]))


def test_a_value_is_written_as_in_the_tables_of_the_page() -> None:
    assert describe(trial(0, 1.0, params={"bias": True, "units": "[1, 2]"})).endswith("bias = true<br>units = [1, 2]")


def test_of_many_parameters_the_first_ones_are_shown() -> None:
    lines = describe(trial(0, 1.0, params={f"p{place}": place for place in range(40)})).split("<br>")
    assert (len(lines), lines[-1]) == (1 + MAX_PARAMS + 1, "and 25 more")
