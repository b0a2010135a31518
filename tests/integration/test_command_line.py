"""Help, completion, the composed config, and how light the start is."""

from __future__ import annotations

from conftest import ROOT, TRAIN, Shell

GROUPS = sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name != "hydra")
PROBE = """
import runpy, sys
sys.argv = {argv!r}
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    pass
print("loaded", [name for name in ("torch", "lightning", "optuna") if name in sys.modules])
"""


def test_help_lists_the_choices_of_each_group(shell: Shell) -> None:
    ended = shell.train("--help")
    lines = ended.out.splitlines()
    assert ended.code == 0
    for group in GROUPS:
        assert any(line.startswith(f"{group}: ") for line in lines), group


def test_the_start_loads_nothing_heavy(shell: Shell) -> None:
    for arguments in (["--cfg", "job"], ["--help"], ["optimizer.lr=-1"], ["optimizer=adm"]):
        ended = shell.python("-c", PROBE.format(argv=[TRAIN, *arguments]))
        assert ended.out.splitlines()[-1] == "loaded []", arguments


def test_a_sweep_s_own_mistakes_show_without_torch(shell: Shell) -> None:
    ended = shell.python("-c", PROBE.format(argv=[TRAIN, "-m", "model.dropout=0.1,1.5"]))
    assert ended.out.splitlines()[-1] == "loaded ['optuna']"


def test_shell_completion_completes_keys_and_choices(shell: Shell) -> None:
    for line, expected in (("optimizer=", "optimizer=adamw"), ("model.hid", "model.hidden_units="), ("sea", "search=")):
        ended = shell.python(TRAIN, "-sc", "query=bash", COMP_LINE=f"python train.py {line}", COMP_POINT="99")
        assert expected in ended.out.split(), ended.text


def test_overrides_show_in_the_composed_config(shell: Shell) -> None:
    ended = shell.train("--cfg", "job", "optimizer=sgd", "optimizer.momentum=0.8", "seed=7")
    assert "momentum: 0.8" in ended.out
    assert "seed: 7" in ended.out
    assert not (shell.folder / "outputs").exists()


def test_two_runs_started_at_once_have_folders_of_their_own(shell: Shell) -> None:
    quick = ("trainer=smoke", "logger=none")
    first = shell.start(TRAIN, *quick)
    second = shell.train(*quick)
    assert [first.communicate(timeout=120)[1], second.err] == ["", ""]
    assert len(list((shell.folder / "outputs" / "runs").glob("*/*/result.yaml"))) == 2
