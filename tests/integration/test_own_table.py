"""A user's own CSV: whatever it holds, it ends in a run or in one clear line (the unit tests of Csv have more)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import QUICK, Shell

PLAIN = "x,y,kind\n" + "".join(f"{i % 7}.5,{i % 5},{'yes' if i % 3 else 'no'}\n" for i in range(60))
RUN = (*QUICK, "data=csv", "trainer.max_epochs=1", "hydra.run.dir=r")


def run(shell: Shell, content: str | bytes, *arguments: str) -> tuple[int, str, str]:
    path = shell.folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = shell.train(*RUN, "data.path=table.csv", *arguments)
    assert "Traceback" not in ended.text
    return ended.code, ended.out, ended.err


def test_a_table_with_all_that_tables_have_runs_and_says_what_was_done(shell: Shell) -> None:
    """Texts, missing inputs, a row without a target, an id column."""
    header, *rows = PLAIN.splitlines()
    colours = ("red", "bl\u00e5")
    lines = [f"id,colour,{header}", *(f"user{index},{colours[index % 2]},{row}" for index, row in enumerate(rows))]
    lines[1:4] = ["user0,red,,1,no", "user1,,1.5,1,yes", "user2,red,1.5,1,"]
    code, out, err = run(shell, "\n".join(lines), "data.target=kind")
    assert (code, err) == (0, "")
    for told in (
        "kind has 2 classes: classification",
        "2 missing values in colour (1), x (1): filled in",
        "1 of 60 rows have no kind; they are left out",
        "column id has 59 different texts in 59 rows; it is left out",
    ):
        assert told in out
    assert (shell.folder / "r" / "result.yaml").exists()


ONLY_ONE = "data.target must have something to predict; got kind, whose only class is "
REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "one class only": (PLAIN.replace("no\n", "yes\n"), "data.target=kind", f"{ONLY_ONE}yes"),
    "Latin-1 bytes": (
        "caf\u00e9,kind\n1,a\n".encode("latin-1"),
        "data.target=kind",
        "data.encoding must be that of table",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line(shell: Shell, case: str) -> None:
    content, typed, line = REFUSED[case]
    code, _, err = run(shell, content, "data.target=kind", typed)
    assert code == 1
    assert err.startswith(f"error: {line}")
    assert err.count("\n") == 1
    assert not (shell.folder / "r" / "result.yaml").exists()


@pytest.mark.slow
def test_two_million_rows_of_twenty_columns(shell: Shell) -> None:
    random = np.random.default_rng(0)
    block = random.normal(size=(2000, 20)).round(4)
    header = ",".join([*(f"c{index}" for index in range(20)), "target"])
    rows = "".join(",".join(map(str, row)) + f",{int(row[0] > 0)}\n" for row in block)
    with (shell.folder / "big.csv").open("w") as file:
        file.write(header + "\n")
        for _ in range(1000):
            file.write(rows)
    ended = shell.train(
        "data=csv", "data.path=big.csv", "data.target=target", "data.batch_size=8192", "trainer.max_epochs=1",
        "logger=none", "hydra.run.dir=r",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    result = yaml.safe_load(Path(shell.folder / "r" / "result.yaml").read_text())
    assert result["state"] == "COMPLETE"
    assert result["value"] < 0.3
