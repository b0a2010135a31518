"""Say what went wrong in a run, and what to try: python scripts/diagnose.py outputs/runs/<date>/<time>

Of a study it looks at the best trial, and counts the findings of all. With --try it trains the original and the
first finding's remedies on the same seeds, in FOLDER/try/, until one is better by more than one standard error;
FOLDER/try.yaml says what came out. After Ctrl-C the same command goes on. Rules and thresholds: docs/diagnosis.md.
"""

import argparse
from pathlib import Path

from tunesmith.cli import register_resolvers
from tunesmith.errors import UserError
from tunesmith.insight.diagnosis.finding import NOTHING
from tunesmith.insight.diagnosis.finding_lines import nothing_found, sentence_rows
from tunesmith.insight.diagnosis.remedies import with_remedies
from tunesmith.insight.diagnosis.report_lines import finding_rows, not_looked_at
from tunesmith.insight.diagnosis.tally import known_names, tally, tally_words
from tunesmith.insight.diagnosis.training_facts import read_training_facts
from tunesmith.insight.folder_findings import findings_in, names_in
from tunesmith.insight.pages.repeating import changed_command
from tunesmith.insight.pages.run_facts import read_run_facts
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import CONFIG_FILE, REFIT_FOLDER, RESULT_FILE, TRY_FILE, read_yaml, run_rooms
from tunesmith.search.report.kind import is_study
from tunesmith.search.study.trial_folders import numbered_folders
from tunesmith.search.trained_folder import trained_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a run, a trial, a fold, or a study; one that you trust")
    parser.add_argument("--try", dest="is_trying", action="store_true", help="train the remedies, and compare them")
    parser.add_argument("--seeds", type=_seeds, default=3, help="seeds that --try trains with, at least 2; default 3")
    arguments = parser.parse_args()
    with exit_on_error():
        folder = _run_of(arguments.folder)
        findings = _show_findings(folder)
        if arguments.is_trying:
            _try(folder, findings, arguments.seeds)


def _seeds(text):
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"must be a whole number, 2 or more; got '{text}'")
    return int(text)


def _run_of(folder):
    """Return the folder to look at; of a study, after a line about all of its trials, that of the best one."""
    if not is_study(folder):
        return folder
    results = [path for number in numbered_folders(folder) if (path := folder / str(number) / RESULT_FILE).is_file()]
    counts = tally(known_names(names_in(_read(path))) for path in results)
    _print("trials", tally_words(counts, len(results)) if counts else f"nothing was found in {len(results)} trials")
    best = trained_folder(folder)
    best = best.parent if best.name == REFIT_FOLDER else best
    _print("best trial", best)
    return best


def _read(path):
    try:
        return read_yaml(path)
    except UserError:  # damaged, as by a disk that was full
        return {}


def _show_findings(folder):
    """Print what was found, or that nothing was, and what could not be looked at; return the findings."""
    run, facts, command = read_run_facts(folder), read_training_facts(folder), _command_of(folder)
    found = findings_in(folder, run.result)
    found = None if found is None else [with_remedies(each, facts) for each in found]
    for finding in found or ():
        for label, text in finding_rows(finding, command):
            _print(label, text)
        print()
    if found is None:
        _print("found", "nothing could be looked at: the run has no epoch yet, or it is a refit")
    elif not found:
        for label, text in sentence_rows("found", nothing_found(run.is_well_seen)):
            _print(label, text)
    trained = next((room for room in run_rooms(folder) if read_training_facts(room).epochs), folder)
    for reason in (*not_looked_at(read_training_facts(trained)), *run.missing):
        _print("not seen", reason)
    return found or []


def _command_of(folder):
    """Return what makes the run's command with further overrides, or these alone if nobody typed a command."""
    typed = folder if (folder / CONFIG_FILE).is_file() else folder.parent  # of a fold
    if not (typed / CONFIG_FILE).with_name("overrides.yaml").is_file():
        return " ".join
    run = read_run_facts(typed)
    return lambda overrides: changed_command(run.overrides, overrides, run.is_trial)


def _try(folder, findings, num_seeds):
    if not (folder / CONFIG_FILE).is_file():
        raise UserError(
            f"--try needs the folder of a run, which holds {CONFIG_FILE}; got {folder}: of a fold, its run's"
        )
    finding = next((each for each in findings if each.remedies and each.gains != NOTHING), None)
    if finding is None:
        reason = "no finding has a remedy that promises a better value" if findings else "no fault is known"
        _print("tried", f"nothing: {reason}")
        return
    import logging

    from omegaconf import OmegaConf

    from tunesmith.training.remedy_trials import try_remedies

    register_resolvers()
    logging.getLogger("tunesmith").setLevel(logging.ERROR)  # what is said of the data has been said by the run
    number = len(finding.remedies)
    words = f"{number} {'remedies' if number > 1 else 'remedy'}, each on {num_seeds} seeds, until one is better"
    _print("try", f"{finding.name}: {words}")
    try:
        best = try_remedies(folder, OmegaConf.load(folder / CONFIG_FILE), finding, num_seeds, _print)
    except KeyboardInterrupt:
        _print("interrupted", "the same command goes on")
        raise
    if best is None:
        _print("better", "none of the remedies" + (f"; {finding.advice}" if finding.advice else ""))
    else:
        _print("better", _command_of(folder)(best.overrides))
    _print("files", f"{folder / TRY_FILE}, {folder}/try/")


def _print(label, text):
    print(f"{label:<12} {text}", flush=True)


if __name__ == "__main__":
    main()
