"""The page of a run: its sections, what each draws, and that nothing of a folder becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from run_outputs import METRICS, RESULT, make_run, of_classes, of_labels, of_numbers

from tunesmith.insight.pages.layer_strips import MAX_EPOCHS, layers
from tunesmith.insight.pages.page import Section
from tunesmith.insight.pages.run_answer import answer
from tunesmith.insight.pages.run_curves import MAX_POINTS as MAX_POINTS_OF_A_LINE
from tunesmith.insight.pages.run_curves import curves
from tunesmith.insight.pages.run_facts import RunFacts, read_run_facts
from tunesmith.insight.pages.run_page import write_run_page
from tunesmith.insight.pages.run_predictions import MANY_CLASSES, MAX_POINTS, predictions
from tunesmith.insight.pages.worst_samples import as_picture, worst
from tunesmith.insight.part_outputs import PartOutputs, write_part_outputs
from tunesmith.run_folder import write_yaml

EVIL = "<img src=x onerror=alert(1)>"
NAMES = (EVIL, "</script><script>alert(2)</script>")
LAYERS = (
    "epoch,layer,grad_norm,weight_norm,update_ratio,dead_share\n"
    "0,a,1,1,,0.5\n1,a,1,1,0.001,\n1,b,1,1,0,\n4,a,1,1,1e-2,1\n"
)


@pytest.fixture
def facts(tmp_path: Path) -> RunFacts:
    return read_run_facts(make_run(tmp_path / "run"))


def of_part(facts: RunFacts, part: PartOutputs, **more: object) -> RunFacts:
    return replace(facts, val=part, **more)


def ids(section: Section) -> list[str]:
    return [figure.id for figure in section.figures]


def test_a_page_has_its_sections_in_order(tmp_path: Path) -> None:
    page = write_run_page(make_run(tmp_path / "run")).read_text()
    found = re.findall(r'<section id="(\w+)"', page)
    assert found == ["answer", "findings", "curves", "layers", "predictions", "worst", "config"]


def test_a_section_that_fails_says_so_and_the_others_stand(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    write_part_outputs(folder / "val_outputs.npz", of_classes(0, 1, true=(0, 0), pictures=np.empty((2, 0, 4, 4))))
    page = write_run_page(folder).read_text()
    assert re.findall(r'<section id="(\w+)">(?:(?!</section>).)*could not be made', page, re.DOTALL) == ["worst"]
    assert page.count("<section id=") == 7


def test_nothing_of_a_folder_is_markup(tmp_path: Path) -> None:
    config = f"objective: {{metric: val/loss, mode: min}}\ndata: {{target: ['{EVIL}', b]}}\nnote: '{EVIL}'\n"
    folder = make_run(
        tmp_path / "run", METRICS.replace("train/loss", EVIL), {**RESULT, "note": EVIL, "reason": EVIL}, config
    )
    rows = np.array([[EVIL], [EVIL]])
    part = of_classes(0, 0, true=(0, 1), names=NAMES, columns=np.array([EVIL]), rows=rows)
    write_part_outputs(folder / "val_outputs.npz", part)
    write_part_outputs(folder / "test_outputs.npz", of_labels([[0.9, 0.1]], [[1, 0]]))
    (folder / "layers.csv").write_text(LAYERS.replace(",a,", f",{EVIL},"))
    write_yaml(folder / "test.yaml", {EVIL: 0.5})
    body = write_run_page(folder).read_text().partition("<body>")[2].partition("</main>")[0]
    assert body.count("&lt;img") > 10
    assert not re.search(r"<img src=x|<script>alert", body)


# answer


def test_an_answer_has_value_epoch_and_commands(facts: RunFacts) -> None:
    body = answer(replace(facts, new_rows="new.npz")).body
    assert re.search(r"0\.3 <small>best val/loss \(min\), epoch 2 of 3<", body)
    commands = re.findall(r"<code>(.*?)</code>", body)
    assert [command.split()[1] for command in commands] == ["scripts/evaluate.py", "scripts/predict.py", "train.py"]
    assert commands[1] == f"python scripts/predict.py {facts.folder} new.npz"
    assert commands[-1] == "python train.py data=digits optimizer.lr=0.1"


def test_a_run_that_cannot_be_applied_to_rows_has_no_command_for_it(facts: RunFacts) -> None:
    assert "predict.py" not in answer(facts).body


def test_a_run_that_goes_on_has_a_command_to_resume_it(facts: RunFacts) -> None:
    body = answer(replace(facts, result={}, can_resume=True, folder="run")).body
    assert "0.3 <small>best val/loss so far, epoch 2<" in body
    resume = "python train.py data=digits optimizer.lr=0.1 ckpt_path=run/checkpoints/last.ckpt"
    assert re.findall(r"<code>(.*?)</code>", body) == [resume]


def test_test_metrics_have_their_standard_error(facts: RunFacts) -> None:
    body = answer(replace(facts, test={"test/acc": 0.75, "acc_se": 0.02, "samples": 40, "ece": 0.1})).body
    assert "<td>test/acc</td><td>0.75</td><td>0.02</td>" in body
    assert "40 samples" in body
    assert "evaluate.py" not in body


# curves


def test_training_and_validation_share_axes_and_the_rate_is_below(facts: RunFacts) -> None:
    section = curves(facts)
    (figure,) = section.figures
    traces = figure.spec["data"]
    assert [trace["name"] for trace in traces] == ["train/loss", "val/loss", "learning rate"]
    assert [trace.get("yaxis") for trace in traces] == [None, None, "y2"]
    assert traces[1]["y"] == [0.8, 0.3, 0.6]
    assert [(shape["x0"], shape["x1"]) for shape in figure.spec["layout"]["shapes"]] == [(2, 2)]


def test_validations_in_an_epoch_are_drawn_by_step(tmp_path: Path) -> None:
    metrics = "epoch,step,val/loss\n1,10,0.5\n1,20,0.4\n2,30,0.6\n"
    folder = make_run(tmp_path / "run", metrics, {**RESULT, "epoch": 1, "step": 20})
    (figure,) = curves(read_run_facts(folder)).figures
    assert figure.spec["data"][0]["x"] == [10, 20, 30]
    assert figure.spec["layout"]["shapes"][0]["x0"] == 20


def test_values_that_are_not_finite_are_gaps_and_said(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", "epoch,val/loss\n1,0.5\n2,nan\n3,inf\n")
    section = curves(read_run_facts(folder))
    assert section.figures[0].spec["data"][0]["y"] == [0.5, None, None]
    assert "not finite" in section.body


def test_a_run_without_epochs_has_no_curves(facts: RunFacts) -> None:
    section = curves(replace(facts, rows={}))
    assert (ids(section), "No epoch has ended" in section.body) == ([], True)


# layers


def test_layers_are_strips_of_the_epochs_that_were_measured(facts: RunFacts, tmp_path: Path) -> None:
    (tmp_path / "run" / "layers.csv").write_text(LAYERS)
    ratio, dead = layers(read_run_facts(tmp_path / "run")).figures
    assert (ratio.spec["data"][0]["x"], ratio.spec["data"][0]["z"]) == (["1", "4"], [[-3, -2], [None, None]])
    assert (dead.spec["data"][0]["x"], dead.spec["data"][0]["z"]) == (["0", "4"], [[0.5, 1]])


def test_without_probes_it_is_said(facts: RunFacts) -> None:
    section = layers(facts)
    assert (ids(section), "probes=true" in section.body) == ([], True)


# predictions


def test_classes_have_a_matrix_of_shares_with_counts(facts: RunFacts) -> None:
    section = predictions(of_part(facts, of_classes(0, 0, 1, 1, true=(0, 0, 0, 1))))
    (figure,) = section.figures
    trace = figure.spec["data"][0]
    assert (trace["text"], trace["z"]) == ([[2, 1], [0, 1]], [[2 / 3, 1 / 3], [0, 1]])
    assert "75.00% right" in section.body
    assert "<td>cat</td><td>1.000</td><td>0.667</td><td>0.800</td>" in section.tail


def test_many_classes_have_a_list_of_what_is_confused(facts: RunFacts) -> None:
    names = tuple(f"c{place}" for place in range(MANY_CLASSES + 1))
    section = predictions(of_part(facts, of_classes(7, 7, 1, true=(3, 3, 1), names=names)))
    assert ids(section) == []
    assert '<td>c3</td><td>c7</td><td class="number">2</td>' in section.tail


def test_numbers_have_residuals_and_large_parts_are_thinned(facts: RunFacts) -> None:
    targets = np.linspace(0, 1, MAX_POINTS * 2)
    section = predictions(of_part(facts, of_numbers(targets + 0.5, targets)))
    assert ids(section) == ["predicted-val", "residuals-val"]
    points, bars = section.figures[0].spec, section.figures[1].spec
    assert len(points["data"][0]["x"]) == MAX_POINTS
    assert f"{MAX_POINTS} of {2 * MAX_POINTS} points" in points["layout"]["title"]["text"]
    assert sum(bars["data"][0]["y"]) == 2 * MAX_POINTS
    assert "root mean squared error 0.5, mean error 0.5" in section.body


def test_labels_have_a_row_each(facts: RunFacts) -> None:
    named = replace(facts, config={"data": {"target": ["spam", "urgent"]}})
    section = predictions(of_part(named, of_labels([[0.9, 0.1], [0.2, 0.3]], [[1, 0], [1, 0]])))
    row = "<td>spam</td><td>1.000</td><td>0.500</td><td>0.667</td>"
    assert (ids(section), row in section.tail) == ([], True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_trial": True}, "A trial of a sweep does not keep its outputs"),
        ({"result": {}}, "are kept at the end of a run"),
        ({"result": {**RESULT, "folds": [1]}}, "the folds validate on different parts"),
        ({}, "No outputs of the validation part are kept"),
        ({"result": {"state": "FAIL", "value": None}}, "no best epoch"),
    ],
    ids=["a trial", "interrupted", "folds", "others", "failed"],
)
def test_why_there_are_no_outputs_is_said(facts: RunFacts, change: dict[str, object], words: str) -> None:
    section = predictions(replace(facts, **change))
    assert (ids(section), words in section.body) == ([], True)


# worst samples


def test_worst_samples_of_a_table_have_their_cells(facts: RunFacts) -> None:
    rows = np.array([["7.5"], ["8.5"]])
    body = worst(of_part(facts, of_classes(0, 1, true=(0, 0), columns=np.array(["size"]), rows=rows))).body
    first = re.findall(r"<tr[^>]*>(.*?)</tr>", body)[1]
    assert re.findall(r"<td[^>]*>(.*?)</td>", first) == ["101", "cat", "dog", "90.0%", "2.303", "7.5"]


def test_worst_images_are_pictures_inside_the_page(facts: RunFacts) -> None:
    body = worst(
        of_part(facts, of_classes(0, 1, true=(0, 0), pictures=np.random.default_rng(0).random((2, 1, 4, 4))))
    ).body
    assert len(re.findall(r'<img [^>]*src="data:image/png;base64,iVBOR', body)) == 2


@pytest.mark.parametrize(
    ("channels", "shape"),
    [(1, (2, 4)), (2, (2, 4)), (3, (2, 4, 3)), (5, (2, 4))],
    ids=["grey", "two", "colours", "five"],
)
def test_a_picture_spans_its_range(channels: int, shape: tuple[int, ...]) -> None:
    picture = as_picture(np.arange(channels * 8.0).reshape(channels, 2, 4) - 3)
    assert picture.shape == shape
    assert picture.min() == 0
    assert picture.max() <= 1


def test_a_picture_of_one_value_is_black() -> None:
    assert not as_picture(np.full((1, 2, 2), 5.0)).any()


def test_a_long_run_is_thinned_from_its_first_to_its_last_epoch(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{1 / epoch}\n" for epoch in range(1, 5001))
    folder = make_run(tmp_path / "run", f"epoch,val/loss\n{rows}")
    (folder / "layers.csv").write_text(
        "epoch,layer,update_ratio\n" + "".join(f"{epoch},a,0.1\n" for epoch in range(1, 5001))
    )
    facts = read_run_facts(folder)
    (curve,), (strip,) = curves(facts).figures, layers(facts).figures
    for epochs, most in ((curve.spec["data"][0]["x"], MAX_POINTS_OF_A_LINE), (strip.spec["data"][0]["x"], MAX_EPOCHS)):
        assert (len(epochs), int(epochs[0]), int(epochs[-1])) == (most, 1, 5000)
    assert "Of 5000 rows" in curves(facts).body
