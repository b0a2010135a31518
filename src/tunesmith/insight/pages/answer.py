"""The section `answer`: the best trial, how far its value can be trusted, what it is beside, and what to type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.insight.evaluation_rows import standard_error
from tunesmith.insight.pages import plain_values
from tunesmith.insight.pages.figures import number
from tunesmith.insight.pages.front_table import front_table
from tunesmith.insight.pages.page import Section, beside, command, missing, sentence, table, text
from tunesmith.insight.pages.param_scale import to_text
from tunesmith.insight.pages.plain_values import at, dict_of, dicts_of, to_number
from tunesmith.insight.pages.study_facts import ENDED, StudyFacts, TrialFacts
from tunesmith.run_folder import TEST_FACTS

# Standard errors within which two values are a tie, as in the study checks; and of a 95 % interval.
NUM_SD, NUM_SE = 2.0, 1.96
MAX_TIES, MAX_REASONS = 8, 3
_BETTER = {"min": "less is better", "max": "more is better"}


def answer(study: StudyFacts) -> Section:
    """Return the section."""
    parts = [*_progress(study), *(front_table(study) if study.is_multi else _best(study)), *_commands(study)]
    return Section("answer", "Answer", "".join(parts))


def ties(study: StudyFacts, best: TrialFacts) -> list[TrialFacts]:
    """Return the other trials that are as good as the best one, as far as is known.

    After a confirmation those that its seeds do not tell apart; else those within the noise, as in the study checks;
    without a known noise those of the same value.
    """
    confirmed = dict_of(study.results.get("confirm"))
    if confirmed.get("trial") == best.number:
        named = confirmed.get("ties")
        return [trial for trial in study.ranked if isinstance(named, list) and trial.number in named]
    margin = NUM_SD * (study.best_se or 0.0)
    return [
        trial
        for trial in study.ranked
        if trial.number != best.number
        and (trial.value == best.value or abs((trial.value or 0.0) - (best.value or 0.0)) <= margin)
    ]


def _progress(study: StudyFacts) -> Iterator[str]:
    states = (*ENDED, "running", "waiting", "lost")
    counts = {state: sum(trial.state == state for trial in study.trials) for state in states}
    shown = ", ".join(f"{num} {state}" for state, num in counts.items() if num or state in ENDED)
    epochs = sum(trial.epochs for trial in study.trials)
    saved = at(study.results, "epochs.saved")
    more = f", {saved} saved by pruning" if isinstance(saved, int) and saved else ""
    broken = sum(trial.is_infeasible for trial in study.trials)
    kept = "" if not broken else f" {broken} of them broke a constraint."
    yield sentence(f"{_trials(len(study.trials))}: {shown}. {epochs} epochs{more}.{kept}")
    reasons = Counter(trial.reason or "no reason is known" for trial in study.trials if trial.state == "failed")
    if reasons:
        listed = "; ".join(f"{_trials(num)}: {reason}" for reason, num in reasons.most_common(MAX_REASONS))
        yield sentence(f"Why trials failed: {listed}{'; ...' if len(reasons) > MAX_REASONS else '.'}")
    if counts["running"]:
        verb = "runs" if counts["running"] == 1 else "run"
        yield sentence(f"The study is not over: {_trials(counts['running'])} {verb} now.")


def _trials(number: int) -> str:
    return "1 trial" if number == 1 else f"{number} trials"


def _best(study: StudyFacts) -> Iterator[str]:
    best = study.best
    if best is None or best.value is None:
        broken = sum(trial.is_infeasible for trial in study.trials)
        yield sentence(
            f"No best trial: of those that ended, {_trials(broken)} broke a constraint, and no other one is complete."
            if broken
            else "No best trial: none has run to its end."
        )
        return
    kept = study.metric if best.is_comparable else f"{study.metric} in stage {best.stage}"
    yield (
        f'<p class="big">{text(number(best.value))} <small>{text(kept)} ({_BETTER[study.mode]}), '
        f"trial {best.number}{text(_epoch(study))}</small></p>\n"
    )
    yield sentence(_interval(study, best))
    yield sentence(_tied(study, best))
    yield _passed_over(study, best)
    values = [[key, to_text(value)] for key, value in best.params.items()]
    drawn = table(["parameter", "value"], values) if values else sentence("The trial has drawn no parameter.")
    yield beside(_beside(study, best) + _test(study), drawn)


def _epoch(study: StudyFacts) -> str:
    epoch = study.best_result.get("epoch")
    return f", epoch {epoch}" if isinstance(epoch, int) else ""


def _interval(study: StudyFacts, best: TrialFacts) -> str:
    """Return how sure the value is: from repeats of a confirmation, else from the noise, if that is known."""
    assert best.value is not None
    for each in dicts_of(at(study.results, "confirm.candidates")):
        if each.get("trial") == best.number and _is_pair(each.get("interval")):
            low, high = each["interval"]
            seeds = each.get("seeds")
            num = len(seeds) if isinstance(seeds, list) else "several"
            mean = plain_values.shown(each.get("mean"))
            return (
                f"Confirmed: the mean of {num} runs on other seeds is {mean}, 95 % interval {number(low)} to "
                f"{number(high)}."
            )
    if study.best_se is None:
        return (
            "How sure this value is, is not known: no configuration ran on several seeds, and the error of the "
            "metric on the validation part is not known. hydra.sweeper.confirm.top=5 runs the best five again."
        )
    low, high = best.value - NUM_SE * study.best_se, best.value + NUM_SE * study.best_se
    if all(trial.value is None or not trial.value < 0 for trial in study.trials):
        low = max(low, 0.0)  # of a loss or an accuracy
    luck = " The best of many values is a little luck, too." if len(study.ranked) > 1 else ""
    return (
        f"95 % interval {number(low)} to {number(high)}: {NUM_SE} standard errors of {study.best_se:.2g}, "
        f"{study.se_source}.{luck}"
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(each, int | float) for each in value)


def _tied(study: StudyFacts, best: TrialFacts) -> str:
    tied = ties(study, best)
    is_confirmed = isinstance(study.results.get("confirm"), Mapping)
    within = f"within {NUM_SD:g} standard errors of it" if study.best_se else "of the same value"
    within = "as good on the seeds of the confirmation" if is_confirmed else within
    if len(study.ranked) < 2:
        return "No other trial can be compared with it."
    if not tied:
        return f"No other complete trial is {within}."
    shown = ", ".join(str(trial.number) for trial in tied[:MAX_TIES]) + (" ..." if len(tied) > MAX_TIES else "")
    verb = "trial is" if len(tied) == 1 else "trials are"
    return f"Ties: {len(tied)} more {verb} {within} ({shown}): which one is the best is open."


def _passed_over(study: StudyFacts, best: TrialFacts) -> str:
    """Return what became of trials with a better value: a last stage that runs some of them again decides."""
    better = [trial for trial in study.ranked if study.sign * ((trial.value or 0.0) - (best.value or 0.0)) < 0]
    if not better or best.stage is None:
        return ""
    num = "1 trial of an earlier stage has" if len(better) == 1 else f"{len(better)} trials of earlier stages have"
    return sentence(
        f"{num} a better value, trial {better[0].number} {number(better[0].value)}. The answer is the best trial of "
        f"stage {best.stage}, which ran chosen configurations again."
    )


def _beside(study: StudyFacts, best: TrialFacts) -> str:
    """Return the best value beside the configuration as it stands and a linear model."""
    assert best.value is not None
    baseline, linear = study.baseline, study.linear.get(study.metric)
    rows: list[list[object]] = [[f"best: trial {best.number}", number(best.value), ""]]
    notes = ""
    if baseline is not None and baseline.value is not None:
        said = "breaks a constraint" if baseline.is_infeasible else baseline.state
        name = f"as it stands: trial {baseline.number}{'' if said == 'complete' else f' ({said})'}"
        gain = _gain(study, best.value, baseline.value) if baseline.is_comparable else "not to be compared: other data"
        rows.append([name, number(baseline.value), gain])
    else:
        notes += missing(_without_baseline(study))
    if isinstance(linear, int | float):
        rows.append(["linear model, same data", number(float(linear)), _gain(study, best.value, float(linear))])
    else:
        notes += missing("No linear model was fitted on the same data: docs/study_checks.md says when there is none.")
    return table(["", study.metric, "the best one is"], rows, ["best", *[""] * (len(rows) - 1)]) + notes


def _without_baseline(study: StudyFacts) -> str:
    if study.baseline is not None:
        return f"The configuration as it stands has no value: trial {study.baseline.number} is {study.baseline.state}."
    if not study.config:
        return "Which trial ran the configuration as it stands, only multirun.yaml tells."
    return "No trial ran the configuration as it stands: hydra.sweeper.baseline=true."


def _gain(study: StudyFacts, best: float, other: float) -> str:
    gain = study.sign * (other - best)
    if not gain:
        return "equal"
    in_se = f" ({abs(gain) / study.best_se:.1f} standard errors)" if study.best_se else ""
    return f"{abs(gain):.3g} {'better' if gain > 0 else 'worse'}{in_se}"


def _test(study: StudyFacts) -> str:
    """Return the test metrics: they are had once, of the best trial or its refit."""
    metrics = (dict_of(study.results.get("test")) if study.is_best_of_results else {}) or study.best_test
    numbers = {name: to_number(value) for name, value in metrics.items() if name not in TEST_FACTS}
    shown = {name: value for name, value in numbers.items() if value is not None}
    if not shown:
        return missing("The best trial has not been evaluated on the test part.")
    refit = dict_of(study.results.get("refit"))
    who = f"its refit ({refit.get('folder')})" if refit else "this trial"
    samples = study.best_test.get("samples")
    size = f", {samples} samples" if isinstance(samples, int) else ""
    rows = [[name, f"{number(value)}{_error(study.best_test, name)}"] for name, value in shown.items()]
    return table([f"test part{size}, once, by {who}", "value ± standard error"], rows)


def _error(test: Mapping[str, Any], name: str) -> str:
    error = standard_error(test, name)
    return "" if error is None else f" ± {error:.2g}"


def _commands(study: StudyFacts) -> Iterator[str]:
    if study.repeat_command is not None and study.is_best_of_results:
        yield sentence("Repeat the best trial:") + command(study.repeat_command)
    if study.resume_command is not None:
        yield sentence("Go on with the study (hydra.sweeper.n_trials=... for more trials):")
        yield command(study.resume_command)
