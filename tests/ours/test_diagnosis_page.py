"""docs/diagnosis.md has the names that findings have, and first remedies that turn keys of conf/."""

from __future__ import annotations

import re
from pathlib import Path

from omegaconf import OmegaConf

from tunesmith.insight.diagnosis.names import CAUTIONS, FAULTS
from tunesmith.notebook import compose

PAGE = (Path(__file__).parents[2] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Names")[2].partition("\n## ")[0]
ROWS = [line.split(" | ") for line in TABLE.splitlines() if line.startswith("| ")][1:]


def test_the_table_has_each_name_once_and_says_which_are_cautions() -> None:
    names = [cells[0].removeprefix("| ") for cells in ROWS]
    assert sorted(names) == sorted([*FAULTS, *(f"{name} (a caution)" for name in CAUTIONS)])


def test_the_first_remedies_turn_keys_that_conf_has() -> None:
    config, nothing = compose("data=csv", "data.path=a.csv", "data.target=b", "optimizer=sgd"), object()
    keys = set(re.findall(r"`([\w.]+)[=`]", " ".join(cells[-1] for cells in ROWS)))
    assert len(keys) > 10
    assert [key for key in keys if OmegaConf.select(config, key, default=nothing) is nothing] == []
