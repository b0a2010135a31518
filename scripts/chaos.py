"""Kills a sweep again and again and checks that nothing is lost: python scripts/chaos.py

Every few seconds a worker or the sweep itself is killed with SIGKILL, and now and then the journal gets a torn last
line, as a writer killed in the middle of it leaves. A killed sweep is started again by the same command. At the end the
invariants are checked and printed; exit code 1 where one does not hold.

--job takes scripts/any_job instead of train.py: no Lightning, started in a second.
"""

import argparse
import csv
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import yaml
from optuna.trial import FrozenTrial, TrialState

from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.trial import Attempt

ROOT = Path(__file__).resolve().parents[1]
STUDY = "chaos"
TRAINING = (
    *("train.py", "-m", "model.hidden_units=32", "model.num_layers=1", "data.batch_size=32", "logger=none"),
    *("callbacks=none", "trainer.max_epochs=20", "trainer.accelerator=cpu", "hydra.sweeper.pruner.n_warmup_steps=3"),
)
JOB = ("scripts/any_job/job.py", "-m", "seconds=0.02")
# A record that was being written when its process was killed.
TORN = b'{"op_code": 8, "worker_id": "4c6b7a52-", "trial_id": 3, "user_attr": {"own'
ORPHAN_SECONDS = 10.0


class Chaos:
    """A sweep, and what happens to it."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        script, *overrides = JOB if arguments.job else TRAINING
        settings = [f"study_name={STUDY}", f"hydra.sweeper.n_trials={arguments.trials}"]
        self.command = [sys.executable, str(ROOT / script), *overrides, *settings]
        self.command.append(f"hydra.sweeper.n_workers={arguments.workers}")
        self.folder = folder
        self.study_folder = folder / "outputs" / "sweeps" / STUDY
        self.journal = self.study_folder / "study.journal"
        self.is_training = not arguments.job
        self.n_trials = arguments.trials
        self.random = random.Random(arguments.seed)
        self.seen: dict[int, tuple[str, float | None]] = {}
        self.slowest_orphan = 0.0

    def run(self, kills: int, seconds: tuple[float, float]) -> None:
        """Kill as often as asked, unless the study is over before; then let it come to its end."""
        sweep = self.start()
        done = 0
        while done < kills:
            time.sleep(self.random.uniform(*seconds))
            self.look()
            if sweep.poll() is not None:
                print(f"the sweep ended with {sweep.returncode} after {done} kills", flush=True)
                if sweep.returncode == 0:
                    break
                sweep = self.start()
                continue
            done += self.kill_one(sweep)
            if self.random.random() < 0.5:
                self.tear()
            if sweep.poll() is not None:
                sweep = self.start()
        code = sweep.wait()
        self.look()
        assert code == 0, f"the sweep ended with exit code {code}"
        print(f"{done} kills", flush=True)

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "console.log").open("ab") as log:
            return subprocess.Popen(
                self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def kill_one(self, sweep: subprocess.Popen[bytes]) -> int:
        """Kill the sweep or one of its workers; a killed sweep's workers have to end by themselves."""
        workers = psutil.Process(sweep.pid).children()
        victim = self.random.choice([psutil.Process(sweep.pid), *workers])
        if victim.pid != sweep.pid:
            print(f"kill worker {victim.pid}", flush=True)
            victim.kill()
            return 1
        print(f"kill the sweep {sweep.pid}", flush=True)
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
        started = time.monotonic()
        _, alive = psutil.wait_procs(workers, timeout=3 * ORPHAN_SECONDS)
        self.slowest_orphan = max(self.slowest_orphan, time.monotonic() - started)
        for worker in alive:
            worker.kill()
        return 1

    def tear(self) -> None:
        if self.journal.exists():
            print("tear the journal", flush=True)
            with self.journal.open("ab") as file:
                file.write(TORN)

    def look(self) -> None:
        """Remember the trials that have ended."""
        for trial in self.trials():
            if Attempt(trial).state.is_counted:
                self.seen[trial.number] = (trial.state.name, _value(trial))

    def trials(self) -> list[FrozenTrial]:
        if not self.journal.exists():
            return []
        try:
            return optuna.load_study(study_name=STUDY, storage=open_journal(self.journal)).trials
        except KeyError:
            return []  # killed before it was created

    def broken(self) -> Iterator[str]:
        """Yield each invariant that does not hold."""
        trials = self.trials()
        counted = [trial for trial in trials if Attempt(trial).state.is_counted]
        if len(counted) != self.n_trials:
            yield f"{len(counted)} trials count, not {self.n_trials}"
        now = {trial.number: (trial.state.name, _value(trial)) for trial in counted}
        yield from (f"trial {number} had ended as {how}" for number, how in self.seen.items() if now.get(number) != how)
        if len({Attempt(trial).first_attempt for trial in counted}) != len(counted):
            yield "a trial counts more than once"
        if len({str(sorted(trial.params.items())) for trial in counted}) != len(counted):
            yield "two trials have the same parameters"
        if any(trial.state == TrialState.RUNNING for trial in trials):
            yield "a trial is left running"
        if self.slowest_orphan > ORPHAN_SECONDS:
            yield f"a worker lived {self.slowest_orphan:.1f} s after its sweep"
        yield from self.broken_results(counted)
        for trial in counted:
            if trial.state != TrialState.FAIL:
                yield from self.broken_folder(trial)

    def broken_results(self, counted: list[FrozenTrial]) -> Iterator[str]:
        results = read_yaml(self.study_folder / "optimization_results.yaml")
        rows = list(csv.DictReader((self.study_folder / "trials.csv").read_text().splitlines()))
        if sorted(int(row["number"]) for row in rows) != [trial.number for trial in counted]:
            yield "trials.csv has other trials than the study"
        best = min(trial.value for trial in counted if trial.state == TrialState.COMPLETE)
        if results["best_value"] != best:
            yield f"the best value is {best}, not {results['best_value']}"
        if not isinstance(yaml.safe_load((self.study_folder / "best.yaml").read_text()), dict):
            yield "best.yaml cannot be read"

    def broken_folder(self, trial: FrozenTrial) -> Iterator[str]:
        folder = self.study_folder / Attempt(trial).folder_name
        if not (folder / ".hydra" / "config.yaml").exists():
            yield f"{folder.name}/.hydra/config.yaml is missing"
        if not self.is_training:
            return
        result = read_yaml(folder / "result.yaml")
        if (result["state"], result["value"]) != (trial.state.name, _value(trial)):
            yield f"{folder.name}/result.yaml says {result['state']} {result['value']}, the study {_value(trial)}"
        epochs = [int(row["epoch"]) for row in read_metrics(folder)]
        if epochs != list(range(1, result["epochs"] + 1)):
            yield f"{folder.name}/metrics.csv has epochs {epochs}"
        if sorted(trial.intermediate_values) != epochs:
            yield f"trial {trial.number} has reported epochs {sorted(trial.intermediate_values)}, trained {epochs}"
        if [path.name for path in (folder / "checkpoints").iterdir()] != ["best.ckpt"]:
            yield f"{folder.name}/checkpoints holds {sorted(path.name for path in (folder / 'checkpoints').iterdir())}"


def _value(trial: FrozenTrial) -> float | None:
    return Attempt(trial).value(optuna.study.StudyDirection.MINIMIZE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, nargs=2, default=(2.0, 4.0), help="between two kills")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed when")
    parser.add_argument("--job", action="store_true", help="scripts/any_job instead of train.py")
    parser.add_argument("--folder", type=Path, help="to leave the sweep in; it has to be empty")
    sys.exit(_run(parser.parse_args()))


def _run(arguments: Any) -> int:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        chaos = Chaos(folder, arguments)
        started = time.monotonic()
        chaos.run(arguments.kills, tuple(arguments.seconds))
        broken = list(chaos.broken())
        trials = chaos.trials()
        attempts = len(trials) - len({Attempt(trial).first_attempt for trial in trials})
        print(f"{chaos.n_trials} trials, {attempts} further attempts, {time.monotonic() - started:.0f} s", flush=True)
        print(*(broken or ["every invariant holds"]), sep="\n", flush=True)
        return 1 if broken else 0


if __name__ == "__main__":
    main()
