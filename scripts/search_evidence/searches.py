"""The searches that docs/search.md compares, each replayed a number of times."""

from collections.abc import Mapping

import numpy as np
from curve_table import NUM_EPOCHS, SEEDS, read_table
from evidence import Progress, confirm, follow, true_values
from replay import lookup_app, plan_search, replay

N_TRIALS = 100
MAX_EPOCHS = N_TRIALS * NUM_EPOCHS
# Of a search that prunes; from 384 on, the table's number of points, the sweeper would enumerate them.
MOST_TRIALS = 380
UNPRUNED = "hydra/sweeper/pruner=none"
GRID = ("optimizer.lr=range(0,7,2)", "data.batch_size=range(0,3,2)")  # 96 points
RANDOM, CONFIRMED = "random", "TPE + median, confirmed"
# Name -> the overrides of its command, and whether it may go on after 100 trials.
SEARCHES: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "grid of 96 points": (("search=grid", *GRID), False),
    RANDOM: (("search=random", UNPRUNED), False),
    "random + median": (("search=random",), True),
    "hyperband": (("search=hyperband",), True),
    "asha": (("search=asha",), True),
    "TPE": (("search=tpe", UNPRUNED), False),
    "TPE + median": (("search=tpe",), True),
    CONFIRMED: (("search=tpe",), False),
    "bohb": (("search=bohb",), True),
    "random_then_grid": (("search=random_then_grid",), False),
    "coarse_to_fine": (("search=coarse_to_fine",), False),
    "staged": (("search=staged",), False),
}


def repeat(name: str, repeats: int) -> list[Progress]:
    """Replay a search with as many seeds of its own, on the nets of the table's seeds in turn."""
    overrides, goes_on = SEARCHES[name]
    table = read_table()
    true = true_values(table)
    found = []
    with lookup_app() as loader:
        for number in range(repeats):
            seed, net_seed = 100 * list(SEARCHES).index(name) + number, SEEDS[number % len(SEEDS)]
            n_trials = MOST_TRIALS if goes_on else N_TRIALS
            plan = plan_search(loader, [*overrides, f"hydra.sweeper.n_trials={n_trials}"], seed)
            trials = replay(plan, table, net_seed, seed, MAX_EPOCHS if goes_on else np.inf)
            is_confirmed = name == CONFIRMED
            found.append(confirm(trials, table, net_seed, true) if is_confirmed else follow(trials, true))
    return found
