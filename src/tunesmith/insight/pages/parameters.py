"""The section `parameters`: what the parameters did to the value, the most important one first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tunesmith.insight.pages import figures
from tunesmith.insight.pages.contour import contour_figure
from tunesmith.insight.pages.drawn_trials import DrawnTrials
from tunesmith.insight.pages.figures import label
from tunesmith.insight.pages.importances import MIN_BEST
from tunesmith.insight.pages.page import Figure, Section, missing, sentence
from tunesmith.insight.pages.parallel_coordinates import MAX_AXES, parallel_figure
from tunesmith.insight.pages.param_ranking import rank_params
from tunesmith.insight.pages.param_scale import ParamScale
from tunesmith.insight.pages.param_values import LEGEND, value_figure
from tunesmith.insight.pages.study_facts import StudyFacts

# Trials whose best tenth has the five that Optuna advises.
SURE_TRIALS = 10 * MIN_BEST
# Parameters that have a figure of their own, and a bar in the figure of importances.
MAX_FIGURES, MAX_BARS = 12, 20


def parameters(facts: StudyFacts) -> Section:
    """Return the section: a figure per parameter, importances, parallel coordinates, contour of the first two."""
    ranking = rank_params(facts)
    drawn, shares = ranking.drawn, ranking.shares
    if not ranking.scales:
        words = ["No parameter took several values in trials that ended.", *drawn.left_out]
        return Section("parameters", "Parameters", "".join(map(missing, words)))
    words = [*drawn.left_out, ranking.why_none or _say_importances(drawn, shares), *_explain(facts, ranking.scales)]
    figures_of = tuple(_figures(facts, drawn, ranking.scales, shares))
    return Section("parameters", "Parameters", "".join(map(sentence, words)), figures_of)


def _say_importances(drawn: DrawnTrials, shares: Mapping[str, float]) -> str:
    if not any(shares.values()):
        return "Importances are all 0: the best trials have the same values as the others."
    first, second = list(shares.items())[:2]
    rough = f" From fewer than {SURE_TRIALS} trials they are rough." if len(drawn.scored) < SURE_TRIALS else ""
    return (
        f"What sets the best tenth of {len(drawn.scored)} trials ({MIN_BEST} at least) apart from all of them, by "
        f"PED-ANOVA: {first[0]} by {first[1]:.0%}, then {second[0]} by {second[1]:.0%}.{rough}"
    )


def _explain(facts: StudyFacts, ordered: Sequence[ParamScale]) -> Iterator[str]:
    if facts.is_multi:
        yield f"Of several objectives, this section shows the first, {facts.metric}."
    yield LEGEND
    further = len(ordered) - MAX_FIGURES
    if further > 0:
        yield f"{further} less important parameters have no figure; they are in trials.csv."
    if len(ordered) > MAX_AXES:
        yield f"The parallel coordinates show the {MAX_AXES} most important parameters."


def _figures(
    facts: StudyFacts, drawn: DrawnTrials, ordered: Sequence[ParamScale], shares: Mapping[str, float]
) -> Iterator[Figure]:
    if any(shares.values()):
        yield _importance_figure(shares)
    ordinal = [scale for scale in ordered if scale.is_ordered]  # between two names there is nothing
    contour = contour_figure(facts, drawn, ordinal[0], ordinal[1]) if len(ordinal) > 1 else None
    yield from [contour] if contour else []
    for place, scale in enumerate(ordered[:MAX_FIGURES]):
        others = [other for other in ordered[:2] if other is not scale]
        yield value_figure(facts, drawn, scale, others[-1] if others else None, place)
    parallel = parallel_figure(facts, drawn, ordered)
    yield from [parallel] if parallel else []


def _importance_figure(shares: Mapping[str, float]) -> Figure:
    shown = list(shares.items())[:MAX_BARS][::-1]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [value for _, value in shown],
        "y": list(range(len(shown))),
        "text": [f"{value:.0%}" for _, value in shown],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertext": [f"{label(key, 200)}: {value:.1%}" for key, value in shown],
        "hoverinfo": "text",
        "marker": {"color": figures.INK},
    }
    names = [label(key, 32) for key, _ in shown]
    layout = figures.layout(
        figures.axis("importance", tickformat=".0%", rangemode="tozero"),
        figures.axis("", tickvals=bars["y"], ticktext=names),
        showlegend=False,
    )
    height = max(280, 26 * len(shown) + 90)
    return Figure(
        "importances", {"data": [bars], "layout": layout}, height, label="importance of each parameter", is_half=True
    )
