"""Which values your classes may take: `_target_` -> argument -> rule. A value that breaks a rule is refused at once.

tunesmith.rules has the rules to choose from. This file must not import torch: the command line stays fast without it.
"""

from tunesmith.rules import NOT_NEGATIVE, integer

RULES = {
    "project.models.residual.Residual": {"num_blocks": integer(0), "units": integer(1)},
    "project.data.moons.Moons": {"samples": integer(3), "noise": NOT_NEGATIVE},
}
