"""What the processes of a sweep have imported when they end: nothing that a lean trial does not need."""

from __future__ import annotations

from pathlib import Path

from conftest import QUICK, Shell

# A task over train.py's config tree whose processes write down what they have imported when they end.
APP = """
import atexit, os, sys
from pathlib import Path

from tunesmith.cli import main

atexit.register(lambda: Path(f"modules-{os.getpid()}").write_text("\\n".join(sys.modules)))
main()
"""
UNNEEDED = {
    *("lightning", "pytorch_lightning", "torchmetrics", "rich.progress", "matplotlib", "torch.utils.tensorboard"),
    *("torch._dynamo", "sklearn", "scipy", "pandas", "tunesmith.insight.pages.study_page"),
}


def test_a_lean_sweep_imports_nothing_else_in_any_process(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    run = (*QUICK, "trainer.max_epochs=2", "logger=tensorboard", "scheduler=plateau", "callbacks=default")
    sweep = ("-m", "optimizer.lr=1e-3,1e-2", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_workers=2")
    done = Shell(tmp_path).python("app.py", *sweep, *run)
    assert done.code == 0, done.text
    imported = [set(path.read_text().split()) for path in tmp_path.glob("modules-*")]
    assert len(imported) == 3  # the sweep, which evaluates the best trial, and two workers
    assert all("tunesmith.training.supervised" in modules for modules in imported)
    assert [modules & UNNEEDED for modules in imported] == [set()] * 3
