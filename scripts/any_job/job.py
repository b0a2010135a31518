"""A Hydra job without Lightning whose trials are pruned: gradient descent on f(x) = x^2.

python scripts/any_job/job.py                         one run
python scripts/any_job/job.py -m study_name=descent   20 trials over the learning rate, the bad ones pruned
"""

import time

import hydra
from omegaconf import DictConfig

import tunesmith


@hydra.main(version_base="1.3", config_path=".", config_name="job")
def main(cfg: DictConfig) -> float:
    x = cfg.start
    for step in range(1, cfg.steps + 1):
        x -= cfg.lr * 2 * x
        time.sleep(cfg.seconds)
        tunesmith.report(x * x, step)  # raises TrialPruned here if the trial is pruned
    return x * x


if __name__ == "__main__":
    main()
