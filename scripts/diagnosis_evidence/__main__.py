"""Faults planted on purpose, and what the diagnosis says of them: python scripts/diagnosis_evidence record, then score

record trains in this process what its folder does not have yet; score reads the folder and prints the tables of
docs/diagnosis.md; remedies tries what is to mend the first findings, in a copy of each run.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import healthy
import torch
from other_programs import OTHER_PROGRAMS
from plants import dev_jobs, held_out_jobs
from program_tables import program_rows, program_summary
from programs import PROGRAMS, PUBLISHED, UNPUBLISHED, is_counted, program_jobs
from recorded import Recorded, read_runs
from recording import Job, record
from tables import alarms, by_set, confusion, harm_lines, misses, summary

GROUPS: dict[str, Callable[[], list[Job]]] = {
    "dev": dev_jobs,
    "heldout": held_out_jobs,
    healthy.DEV: lambda: healthy.jobs(healthy.DEV),
    healthy.HELDOUT: lambda: healthy.jobs(healthy.HELDOUT),
    PUBLISHED: lambda: list(program_jobs(PROGRAMS, PUBLISHED, range(5))),
    UNPUBLISHED: lambda: list(program_jobs(OTHER_PROGRAMS, UNPUBLISHED, range(3))),
}
ROOT = Path("outputs", "diagnosis")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("record", "score", "misses", "harm", "remedies"))
    parser.add_argument("--only", nargs="*", choices=GROUPS, default=list(GROUPS), help="groups of runs")
    parser.add_argument("--plants", nargs="*", help="names of plants")
    parser.add_argument("--seeds", nargs="*", type=int)
    parser.add_argument("--root", type=Path, default=ROOT, help="where the runs are kept")
    parser.add_argument("--again", metavar="FILE", help="record: also what lacks this file, such as data_facts.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.command == "record":
        jobs = [job for name in options.only for job in GROUPS[name]() if _is_chosen(job, options)]
        record(jobs, options.root, options.again)
        return
    for group in options.only:
        runs = [run for run in read_runs(options.root, [group]) if _is_chosen(run, options)]
        runs = healthy.healthy_in_fact(options.root, runs)
        if options.command == "remedies":
            from tried_remedies import remedy_lines

            for line in remedy_lines(runs, options.root):
                print(line, flush=True)
            continue
        print(*_report(options.command, group, runs), sep="\n")


def _is_chosen(job: Job | Recorded, options: argparse.Namespace) -> bool:
    return (options.plants is None or job.plant in options.plants) and (
        options.seeds is None or job.seed in options.seeds
    )


def _report(command: str, group: str, runs: Sequence[Recorded]) -> Iterator[str]:
    if command == "harm":
        return harm_lines(runs)
    from diagnosers import OURS, ask_all  # recording needs no rules

    answers = ask_all(runs)
    if command == "misses":
        return misses(runs, answers[OURS])
    if group in (PUBLISHED, UNPUBLISHED):
        programs = (
            program_summary([run for run in runs if is_counted(run.plant)], answers),
            program_rows(runs, answers[OURS]),
        )
        return chain([f"## {group}: {len(runs)} runs"], *(chain([""], part) for part in programs), [""])
    if all(run.is_healthy for run in runs):
        return chain([f"## {group}: {len(runs)} runs", ""], alarms(runs, answers), [""])
    parts = (summary(runs, answers), by_set(runs, answers[OURS]), confusion(runs, answers[OURS]))
    return chain([f"## {group}: {len(runs)} runs"], *(chain([""], part) for part in parts), [""])


if __name__ == "__main__":
    main()
