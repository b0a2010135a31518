"""scripts/plot.py on a study: a panel for each parameter, and two for the best value so far."""

from __future__ import annotations

from conftest import ROOT, Shell
from matplotlib.image import imread

PANEL = 672  # pixels


def test_the_panels_of_a_study_are_its_parameters(shell: Shell) -> None:
    folder = shell.study("s")
    folder.mkdir(parents=True)
    fixed = "number,stage,state,value,epochs,seconds,host,folder,reason,note,tags"
    rows = ["0,,COMPLETE,0.5,3,1.5,here,0,,first,,0.1", "1,,COMPLETE,0.7,3,1.5,there,1,,,a b,0.2"]
    (folder / "trials.csv").write_text("\n".join([f"{fixed},optimizer.lr", *rows]))
    direction = "objective: {metric: val/acc, mode: '${mode_of:${objective.metric}}'}\nhydra: {sweeper: {direction: "
    (folder / "multirun.yaml").write_text(direction + "'${objective.mode}'}}")
    ended = shell.python(str(ROOT / "scripts" / "plot.py"), "outputs/sweeps/s")
    assert (ended.code, ended.out, ended.err) == (0, "outputs/sweeps/s/study.png\n", "")
    assert imread(folder / "study.png").shape[1] == 3 * PANEL


def test_a_run_whose_kept_predictions_are_damaged_is_a_line(shell: Shell) -> None:
    folder = shell.folder / "run"
    folder.mkdir()
    (folder / "metrics.csv").write_text("epoch,val/loss\n1,0.5\n2,0.4\n")
    ended = shell.python(str(ROOT / "scripts" / "plot.py"), "run")
    assert (ended.code, ended.out) == (0, "run/curves.png\n")
    (folder / "val_outputs.npz").write_bytes(b"no arrays")
    ended = shell.python(str(ROOT / "scripts" / "plot.py"), "run")
    assert (ended.code, ended.out) == (1, "run/curves.png\n")
    assert ended.err.startswith("error: run/val_outputs.npz cannot be read: ")
    assert len(ended.err.splitlines()) == 1
