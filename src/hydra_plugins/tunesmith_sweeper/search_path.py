"""Adds the plugin's config groups to Hydra's search path."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class TunesmithSearchPath(SearchPathPlugin):
    """Appends the plugin's conf folder: an app's own file of the same name comes first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append("tunesmith-sweeper", "pkg://hydra_plugins.tunesmith_sweeper.conf")
