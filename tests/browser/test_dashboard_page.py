"""optuna-dashboard shows a study of ours, while it goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from optuna.distributions import FloatDistribution
from optuna.study import create_study
from optuna.trial import create_trial
from services.chromium import watched_page

from tunesmith.errors import UserError
from tunesmith.search.dashboard import HOST, dashboard
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_a_study_is_shown_and_a_trial_that_ends_meanwhile(chromium: Browser, tmp_path: Path) -> None:
    study = create_study(study_name="first", storage=open_journal(tmp_path / JOURNAL_FILE))
    trials = [create_trial(params={"x": x}, distributions={"x": FloatDistribution(0, 1)}, value=x) for x in (0.25, 0.5)]
    study.add_trial(trials[0])
    with dashboard(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://{HOST}:{server.server_port}/"
        try:
            with watched_page(chromium, address) as watched:
                watched.page.goto(f"{address}dashboard/studies/0/trials")
                watched.page.get_by_text("1 Trials").wait_for()
                study.add_trial(trials[1])
                watched.page.reload()
                watched.page.get_by_text("2 Trials").wait_for()
                assert (watched.refused, watched.errors) == ([], [])
        finally:
            server.shutdown()


def test_a_study_without_a_storage_is_a_line_and_its_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").touch()
    with pytest.raises(UserError, match=r"there is no study\.journal in the study's folder"), dashboard(tmp_path, 0):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["multirun.yaml"]
