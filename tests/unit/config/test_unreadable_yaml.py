"""A YAML file of a run that is damaged is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.config.unreadable_yaml import read_plain_yaml
from tunesmith.errors import UserError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: [1", "result.yaml, line 1, column 6: must be YAML; .*close the bracket", id="cut"),
        pytest.param(b"a: 1\n\0\0", "result.yaml, line 2: must be YAML; got the character 0", id="zeros"),
        pytest.param(b"a: 1\nb: \xff", "result.yaml, line 2: must be UTF-8; got the byte 0xff", id="a byte"),
        pytest.param(b"", "result.yaml: must hold keys and their values; got None", id="empty"),
    ],
)
def test_a_damaged_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "result.yaml").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_plain_yaml(tmp_path / "result.yaml")


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "result.yaml").write_text("a: 1\n")
    assert read_plain_yaml(tmp_path / "result.yaml") == {"a": 1}
