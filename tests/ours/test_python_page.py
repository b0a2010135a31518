"""docs/python.md: its code runs as it stands."""

from __future__ import annotations

import re

from conftest import ROOT, Shell

(CODE,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), flags=re.DOTALL)


def test_the_code_of_the_page_trains_and_evaluates(shell: Shell) -> None:
    (shell.folder / "cell.py").write_text(CODE)
    ended = shell.python("cell.py")
    assert (ended.code, ended.err) == (0, "")
    *lines, result, test = ended.out.splitlines()
    assert [line[:9] for line in lines if line.startswith("epoch")] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert str(shell.folder / "outputs" / "runs") in result
    assert test.startswith("{'test/loss': ")
