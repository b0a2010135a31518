"""A job that trains nothing: it reads its learning curve from the recorded table, an epoch a report.

python scripts/search_evidence/lookup.py -m study_name=table    one search by TPE and the median pruner
python scripts/search_evidence/lookup.py -m study_name=random hydra/sweeper/sampler=random
"""

import hydra
from curve_table import read_table
from omegaconf import DictConfig

import tunesmith

TABLE = read_table()


@hydra.main(version_base="1.3", config_path=".", config_name="lookup")
def main(cfg: DictConfig) -> float:
    """Return the best epoch's validation loss, as train.py does."""
    curve = TABLE.val_loss[cfg.optimizer.lr, cfg.data.batch_size, cfg.model.width, cfg.model.dropout, cfg.seed]
    for epoch, loss in enumerate(curve[: cfg.trainer.max_epochs].tolist(), start=1):
        tunesmith.report(loss, epoch)  # raises TrialPruned here if the trial is pruned
    return float(curve[: cfg.trainer.max_epochs].min())


if __name__ == "__main__":
    main()
