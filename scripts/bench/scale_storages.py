"""Storages for scripts/bench/scale.py: each has a history of trials, copied so that it takes seconds, not minutes."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from omegaconf import OmegaConf
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import Connection, Table, create_engine, func, insert, select, text
from sqlalchemy.exc import OperationalError

from tunesmith.search.sampling.sampler import make_pruner
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import JOURNAL_FILE, open_storage
from tunesmith.search.study.budget import ask
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study, tell

STEPS = 5
# The same number and kinds of keys as in the default space of the main job.
SPACE = parse_space(
    {
        "optimizer.lr": "tag(log, interval(1e-4, 1e-1))",
        "optimizer.weight_decay": "tag(log, interval(1e-5, 1e-2))",
        "model.dropout": "interval(0.1, 0.6)",
        "model.hidden_units": "tag(log, int(interval(32, 512)))",
        "model.num_layers": "int(interval(1, 3))",
        "data.batch_size": "choice(16, 32, 64, 128, 256)",
    },
    [],
)
PRUNER = OmegaConf.create({"_target_": "optuna.pruners.MedianPruner", "n_warmup_steps": STEPS})
ROWS_AT_ONCE = 10_000


def opened(url: str | None, folder: Path) -> optuna.Study:
    """Open the study as a worker does.

    url: of a database; None for the journal in the folder.
    """
    study = open_study(open_storage(url, folder), "scale", "minimize", make_pruner(PRUNER), Scope(SPACE))
    study.sampler = optuna.samplers.RandomSampler()
    return study


def run_trial(study: optuna.Study, limit: int, folder: Path) -> None:
    """Run an empty trial: only the calls to the storage that a worker makes for a trial."""
    trial = ask(study, limit, folder)
    assert trial is not None
    for dimension in SPACE.dimensions.values():
        dimension.suggest(trial)
    for step in range(1, STEPS + 1):
        trial.report(1.0 / step, step)
        trial.should_prune()
    tell(study, trial.number, TrialState.COMPLETE, 0.5)


def make_history(url: str | None, folder: Path, num_trials: int) -> None:
    """Make a study of num_trials trials: run the first one, copy its records for the others."""
    study = opened(url, folder)
    run_trial(study, num_trials, folder)
    if url is None:
        _copy_lines(folder / JOURNAL_FILE, study, num_trials - 1)
    else:
        _copy_rows(engine_of(study), num_trials - 1)
    close(study)


def engine_of(study: optuna.Study) -> Any:
    storage: Any = study._storage
    return storage._storage._backend.engine


def close(study: optuna.Study) -> None:
    """Close the study's connections to its database."""
    if not isinstance(study._storage, optuna.storages.JournalStorage):
        engine_of(study).dispose()


def _copy_lines(journal: Path, study: optuna.Study, times: int) -> None:
    """Append the journal line of a finished trial again and again."""
    study.add_trial(study.trials[0])
    line = journal.read_text().splitlines()[-1]
    assert json.loads(line)["state"] == TrialState.COMPLETE
    with journal.open("a") as file:
        file.write(f"{line}\n" * (times - 1))


def _copy_rows(engine: Any, times: int) -> None:
    trials = models.TrialModel.__table__
    with engine.begin() as connection:
        (first,) = connection.execute(select(trials)).mappings().all()
        ids = range(first["trial_id"] + 1, first["trial_id"] + 1 + times)
        copies = [{**first, "trial_id": number, "number": index} for index, number in enumerate(ids, start=1)]
        connection.execute(insert(trials), copies)
        for table in models.BaseModel.metadata.sorted_tables:
            if table.name.startswith("trial_"):
                _copy_parts(connection, table, ids)
        if engine.dialect.name == "postgresql":
            sequence = func.pg_get_serial_sequence("trials", "trial_id")
            connection.execute(select(func.setval(sequence, ids[-1])))
            connection.execute(text("ANALYZE"))


def _copy_parts(connection: Connection, table: Table, ids: range) -> None:
    """Copy the first trial's rows of a table for all other trials; the database numbers the new rows itself."""
    (key,) = table.primary_key.columns
    rows = [{k: v for k, v in row.items() if k != key.name} for row in connection.execute(select(table)).mappings()]
    copies = [{**row, "trial_id": number} for number in ids for row in rows]
    for begin in range(0, len(copies), ROWS_AT_ONCE):
        connection.execute(insert(table), copies[begin : begin + ROWS_AT_ONCE])


@contextmanager
def postgresql(folder: Path) -> Iterator[str | None]:
    """Start PostgreSQL with its default settings on loopback; yield its URL, None if it is not installed."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    server = shutil.which("postgres", path=os.pathsep.join([*map(str, newest), os.environ["PATH"]]))
    if server is None:
        yield None
        return
    folder.mkdir()
    as_user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        folder.parent.chmod(0o755)
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    initdb, data, port = str(Path(server).parent / "initdb"), str(folder / "data"), str(20000 + os.getpid() % 10000)
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*as_user, initdb, "-D", data, "-U", "scale", "-A", "trust"], check=True, **quiet)
    options = ["-h", "127.0.0.1", "-p", port, "-k", str(folder)]
    dies_with_us = ["setpriv", "--pdeathsig=TERM"]
    process = subprocess.Popen([*as_user, *dies_with_us, server, "-D", data, *options], **quiet)
    try:
        url = f"postgresql+psycopg://scale@127.0.0.1:{port}"
        _wait_for(f"{url}/postgres")
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            engine = create_engine(url)
            engine.connect().close()
        except OperationalError:
            time.sleep(0.1)
        else:
            engine.dispose()
            return
    raise RuntimeError("PostgreSQL does not start")


def execute(url: str, command: str) -> None:
    """Run an SQL command outside of a transaction, as CREATE DATABASE needs."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(command))
    engine.dispose()


def size(url: str) -> int:
    """Return the bytes that a PostgreSQL database takes."""
    engine = create_engine(url)
    with engine.connect() as connection:
        number = connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
    engine.dispose()
    return int(number)
