"""Runs and studies side by side: python scripts/compare.py outputs/sweeps/a outputs/sweeps/b outputs/runs/<date>/<time>

Prints a table, and the standard error of an accuracy. If a configuration ran with several seeds (as runs, as studies,
in a sweep over seed, or to confirm the best), it prints mean and spread, and compares two such configurations seed by
seed. The best value so far against epochs is drawn into compare.png, or into output=PATH.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tunesmith.errors import UserError
from tunesmith.insight.comparison.members import Member, of_run, of_study
from tunesmith.insight.comparison.paired import seed_lines
from tunesmith.insight.comparison.rows import noise_line, row_of_run, row_of_study, to_lines
from tunesmith.insight.comparison.seed_groups import SeedGroup, group, groups_in
from tunesmith.insight.pages.run_facts import RunFacts, read_run_facts
from tunesmith.insight.pages.study_facts import StudyFacts
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.search.report.facts import read_study
from tunesmith.search.report.kind import is_study

OUTPUT = "output="


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", help="folders of studies and runs; output=PATH: the picture")
    typed = parser.parse_args().folders
    outputs = [text.removeprefix(OUTPUT) for text in typed if text.startswith(OUTPUT)]
    with exit_on_error():
        picture = Path([*outputs, "compare.png"][0])
        if not picture.absolute().parent.is_dir() or picture.suffix != ".png":
            raise UserError(f"output must be a path that ends in .png, in a folder that is there; got '{picture}'")
        found = [read(Path(text)) for text in typed if not text.startswith(OUTPUT)]
        if not found:
            raise UserError("folders must name at least one folder of a study or a run; got none")
        print(*lines(found), sep="\n")
        if draw(found, picture):
            print(f"drawn: {picture}")
        elif outputs:
            print("not drawn: a picture takes two folders or more, and values in one of them")


def read(folder: Path) -> RunFacts | StudyFacts:
    return read_study(folder) if is_study(folder) else read_run_facts(folder)


def lines(found: list[RunFacts | StudyFacts]) -> Iterator[str]:
    yield from to_lines([row_of_study(each) if isinstance(each, StudyFacts) else row_of_run(each) for each in found])
    tests = [each.best_test if isinstance(each, StudyFacts) else each.test for each in found]
    yield from islice(filter(None, map(noise_line, tests)), 1)
    inside = [each for study in found if isinstance(study, StudyFacts) for each in groups_in(study)]
    yield from seed_lines([*groups(found), *inside])


def draw(found: list[RunFacts | StudyFacts], path: Path) -> bool:
    """Draw the best so far of two or more, if any has a value; return whether it did."""
    if len(found) < 2 or not any(group.curves for group in groups(found)):
        return False
    from tunesmith.insight.study_plots import save_best_so_far  # imports matplotlib

    save_best_so_far(path, groups(found))
    return True


def groups(found: list[RunFacts | StudyFacts]) -> list[SeedGroup]:
    members: list[Member] = [of_study(each) if isinstance(each, StudyFacts) else of_run(each) for each in found]
    return group(members)


if __name__ == "__main__":
    main()
