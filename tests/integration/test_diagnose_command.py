"""scripts/diagnose.py from the command line."""

from __future__ import annotations

from conftest import QUICK, ROOT, Shell

from tunesmith.run_folder import read_yaml

DIAGNOSE = str(ROOT / "scripts" / "diagnose.py")


def test_a_run_is_diagnosed_and_its_remedy_tried(shell: Shell) -> None:
    faulty = ("data=iris", "model.initializer=zeros", "model.batch_norm=false", "optimizer.lr=0.05")
    assert (
        shell.train(
            *QUICK, *faulty, "trainer.max_epochs=3", "trainer.engine=lean", "report=false", "hydra.run.dir=run"
        ).code
        == 0
    )
    ended = shell.python(DIAGNOSE, "run", "--try", "--seeds", "2")
    assert (ended.code, ended.err) == (0, ""), ended.text
    lines = [line.split(maxsplit=1) for line in ended.out.splitlines() if line]
    labels = [label for label, *_ in lines]
    assert labels[:4] == ["found", "evidence", "threshold", "source"]
    told = dict(lines)
    assert told["tried"].startswith("model.initializer=he  val/loss: better by")
    assert told["better"].startswith("python train.py ")
    assert told["better"].endswith("model.initializer=he")
    assert "initializer=zeros" not in told["better"]
    assert read_yaml(shell.folder / "run" / "try.yaml")["better"] == ["model.initializer=he"]


def test_a_folder_of_nothing_is_refused_in_a_line(shell: Shell) -> None:
    ended = shell.python(DIAGNOSE, ".")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: folder must be one that a study or a run left; got .")
