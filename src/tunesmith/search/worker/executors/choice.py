"""Which executor runs a trial."""

from __future__ import annotations

from hydra.types import HydraContext, TaskFunction
from omegaconf import OmegaConf

from tunesmith.search.worker.executor import Assignment, Executor, Outcome, one_at_a_time
from tunesmith.search.worker.executors.in_process import InProcess
from tunesmith.search.worker.executors.own_process import OwnProcess


def choose_executor(context: HydraContext, task: TaskFunction, is_isolated: bool) -> Executor:
    """Return the executor: trials run in this process, or with isolate or several devices each in its own."""
    in_process, own_process = InProcess(context, task), OwnProcess()

    def run(assignment: Assignment) -> Outcome:
        devices = OmegaConf.select(assignment.config, "hydra.sweeper.devices")
        return (own_process if is_isolated or devices > 1 else in_process).run(assignment)

    return one_at_a_time(run)
