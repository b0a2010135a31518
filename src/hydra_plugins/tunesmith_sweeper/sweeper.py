"""The shell between Hydra and tunesmith.search; its methods import what is heavy, since every Hydra app loads it."""

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class TunesmithSweeper(Sweeper):
    """Optuna over a Hydra app's config tree; the keys are explained in conf/hydra/sweeper/tunesmith.yaml."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context = hydra_context
        self.task = task_function
        self.app_config = config

    def sweep(self, arguments: list[str]) -> Any:
        """Run the study that the config and the typed overrides describe.

        Returns: the content of optimization_results.yaml, None after a dry run.

        Raises:
            UserError: the sweep cannot run as requested; nothing was recorded.
        """
        from tunesmith.search.called_from_python import fit_to_call
        from tunesmith.search.pool.started_worker import check_variables
        from tunesmith.search.settings import read_settings
        from tunesmith.search.space.search_path import use_searchpath
        from tunesmith.search.sweep import run_sweep

        check_variables()
        use_searchpath(self.context.config_loader, self.app_config)
        settings = fit_to_call(read_settings(self.settings, self.app_config), self.app_config)
        return run_sweep(settings, self.context, self.task, self.app_config, arguments)
