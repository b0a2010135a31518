"""A job that trains nothing: it reads its learning curve from the recorded table, an epoch a report.

python scripts/search_evidence/lookup.py -m search=tpe study_name=tpe      one search, from the folder of the repository
"""

import hydra
from curve_table import read_table
from omegaconf import DictConfig

import tunesmith
from tunesmith.cli import register_resolvers

TABLE = read_table()


@hydra.main(version_base="1.3", config_path=".", config_name="lookup")
def main(cfg: DictConfig) -> float:
    """Return the best epoch's validation loss, as train.py does."""
    curve = TABLE.val_loss[cfg.lr, cfg.batch_size, cfg.width, cfg.dropout, cfg.seed]
    for epoch, loss in enumerate(curve[: cfg.trainer.max_epochs].tolist(), start=1):
        tunesmith.report(loss, epoch)  # raises TrialPruned here if the trial is pruned
    return float(curve[: cfg.trainer.max_epochs].min())


if __name__ == "__main__":
    register_resolvers()  # conf/ has them in its pruners
    main()
