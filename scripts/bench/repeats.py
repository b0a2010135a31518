"""(n): a run of five folds, and a configuration with sixteen seeds, in both engines."""

from measuring import TRAIN, Cost, cost_of, temporary_folder
from sweeps import read_search

from tunesmith.run_folder import read_yaml


def compare_engines() -> str:
    folds = {engine: _folds(engine) for engine in ("lightning", "lean")}
    seeds = {engine: _seeds(engine) for engine in ("lightning", "lean")}
    texts = []
    for name, found in (("data.folds=5", folds), ("-m seed=0..15", seeds)):
        lightning, lean = (cost.cpu / epochs * 1e3 for cost, epochs in found.values())
        totals = ", ".join(f"{engine} {cost.cpu:.1f} s, {epochs} epochs" for engine, (cost, epochs) in found.items())
        texts.append(f"{name} {lean / lightning:.2f} ({totals})")
    return f"CPU per trained epoch, of the whole command, lean as a share of Lightning's: {'; '.join(texts)}"


def _folds(engine: str) -> tuple[Cost, int]:
    with temporary_folder() as folder:
        cost, _ = cost_of(folder, TRAIN, "data.folds=5", f"trainer.engine={engine}", "hydra.run.dir=r")
        return cost, int(read_yaml(folder / "r" / "result.yaml")["epochs"])


def _seeds(engine: str) -> tuple[Cost, int]:
    seeds = ",".join(map(str, range(16)))
    with temporary_folder() as folder:
        cost, _ = cost_of(folder, TRAIN, "-m", "study_name=s", f"seed={seeds}", f"trainer.engine={engine}")
        return cost, read_search(folder, cost).epochs
