"""The page of a run: report.html in its folder, from the files that lie there; neither model nor data is needed."""

from __future__ import annotations

from pathlib import Path

from tunesmith.insight.pages.layer_strips import layers
from tunesmith.insight.pages.page import Sections, make_sections, to_html
from tunesmith.insight.pages.run_answer import answer, config
from tunesmith.insight.pages.run_curves import curves
from tunesmith.insight.pages.run_facts import RunFacts, read_run_facts
from tunesmith.insight.pages.run_predictions import predictions
from tunesmith.insight.pages.what_went_wrong import findings
from tunesmith.insight.pages.worst_samples import worst
from tunesmith.run_folder import PAGE_FILE, write_text

SECTIONS: Sections[RunFacts] = {
    "answer": ("Answer", answer),
    "findings": ("What went wrong", findings),
    "curves": ("Learning curves", curves),
    "layers": ("Layers", layers),
    "predictions": ("Predictions", predictions),
    "worst": ("Worst samples", worst),
    "config": ("Configuration", config),
}


def write_run_page(folder: Path) -> Path:
    """Write the page of a run, a trial or a fold into its folder; return its path.

    A section that cannot be made says so in its place.

    Raises:
        UserError: no run has written to the folder.
    """
    facts = read_run_facts(folder)
    title = f"{'Trial' if facts.is_trial else 'Run'} {folder.absolute().name}"
    note = facts.result.get("note")
    page = to_html(title, make_sections(SECTIONS, facts), f"{facts.folder}{f': {note}' if note else ''}")
    write_text(folder / PAGE_FILE, page)
    return folder / PAGE_FILE
