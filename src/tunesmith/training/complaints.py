"""What Lightning and torch raise for a mistake in the config or data -> one line."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path

from torch import nn

from tunesmith.errors import UserError, shorten, text_of
from tunesmith.training.imported import is_of

MISCONFIGURATION = "lightning.fabric.utilities.exceptions.MisconfigurationException"

# In the text of what early stopping and a plateau schedule raise if their metric was not logged.
NOT_LOGGED = "which is not available"
# How the text begins that torch raises for the state of another module or optimizer.
MISFITS = ("Error(s) in loading state_dict", "loaded state dict ")
# Of these, what torch raises for an optimizer of version 0.1.0, which had biases before batch norms.
FEWER_PARAMETERS = "loaded state dict contains a parameter group that doesn't match"
OLDER_WAY_OUT = (
    "runs of version 0.1.0 had biases before batch norms: weights=... starts a new run from these weights, "
    "study_name=... a new sweep"
)
# What batch norm raises for a batch of one sample, and one cycle at its end.
SINGLE_SAMPLE = "Expected more than 1 value per channel when training"
SCHEDULE_IS_OVER = "Tried to step "
# In what Lightning raises at the first step of a fused optimizer with mixed precision.
NOT_CLIPPED = "does not allow for gradient clipping"


# What torch raises for the loss and the parameters of a learner of a user's own -> what is wrong, and the way out.
_OF_LEARNER = {
    "does not require grad and does not have a grad_fn": "training_step must return a loss that depends on its "
    "parameters; got one without a gradient: leave out detach(), no_grad(), item() and argmax()",
    "grad can be implicitly created only for scalar outputs": "training_step must return one number; got a tensor of "
    "several: return their mean",
    "optimizer got an empty parameter list": "configure_optimizers must give the optimizer parameters to train; got "
    "none",
}
# In the text of what Lightning complains of in a learner's code, not in the trainer's arguments.
_SAID_BY_LEARNER = ("training_step", "configure_optimizers", "self.log(")


def explain(error: Exception, metric: str, checkpoint: Path | None) -> UserError | None:
    """Return a user's mistake in one line, None if the error is none.

    metric: the objective's; checkpoint: of an earlier attempt, which the training continues.
    """
    text = text_of(error)
    if NOT_LOGGED in text and re.search(rf"metric `?{re.escape(metric)}`? ", text):
        return UserError(f"objective.metric must be a metric that the learner logs; got '{metric}': {text}")
    if checkpoint is not None and text.startswith(MISFITS):
        way_out = f"; {OLDER_WAY_OUT}" if text.startswith(FEWER_PARAMETERS) else ""
        return UserError(f"ckpt_path must be a checkpoint of this model; got '{checkpoint}': {text[:300]}{way_out}")
    if SINGLE_SAMPLE in text:
        return UserError(
            "data: batch norm cannot be trained on a batch of one sample, and the loader gave one: leave it out "
            "(drop_last=True), or choose another batch size"
        )
    if NOT_CLIPPED in text:
        return UserError(
            "trainer.gradient_clip_val must be null if trainer.precision is mixed and the optimizer is fused: "
            "optimizer.fused=false lets gradients be clipped"
        )
    if text.startswith(SCHEDULE_IS_OVER):
        return UserError(f"scheduler must last as long as the run; got one whose steps are over: {text}")
    for part, reason in _OF_LEARNER.items():
        if part in text:
            return UserError(f"learner._target_: {reason}")
    is_complaint = is_of(error, MISCONFIGURATION) or NOT_LOGGED in text or _is_of_lightning(error)
    key = "learner._target_" if any(part in text for part in _SAID_BY_LEARNER) else "trainer"
    return UserError(f"{key}: {shorten(text)}") if is_complaint else None


def _is_of_lightning(error: Exception) -> bool:
    """Whether Lightning itself refuses a value, or misses an attribute of the learner."""
    lightning = getattr(sys.modules.get("lightning"), "__file__", None)
    if lightning is None or not isinstance(error, ValueError | AttributeError):
        return False
    files = [Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__)]
    while files and files[-1] == Path(nn.modules.module.__file__):  # nn.Module.__getattr__
        files.pop()
    return bool(files) and Path(lightning).parent in files[-1].parents
