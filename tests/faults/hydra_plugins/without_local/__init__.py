"""Keeps conf/local/default.yaml of whoever runs the tests out of them: no test must write into a cluster's database."""

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

TESTS = Path(__file__).parents[3]


class WithoutLocal(SearchPathPlugin):
    """Puts an empty local/default.yaml before that of this checkout; a test's copy of conf/ keeps its own."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        conf = TESTS.parent / "conf"
        if any(element.path in (str(conf), f"file://{conf}") for element in search_path.get_path()):
            search_path.prepend("tests", f"file://{TESTS / 'no_local'}")
