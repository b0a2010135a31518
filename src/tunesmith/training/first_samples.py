"""The first samples through the model: a mistake in it is one line, before an epoch is trained."""

from __future__ import annotations

import math
from copy import deepcopy

import torch

from tunesmith.data.array_data import ArrayData
from tunesmith.errors import UserError
from tunesmith.short_traceback import place_of
from tunesmith.training.complaints import SINGLE_SAMPLE
from tunesmith.training.losses import check_labels
from tunesmith.training.step_values import check_is_tensor
from tunesmith.training.supervised import SupervisedLearning

# So many targets are looked at, to tell whether a loss fits them: those in a file may be many.
NUM_CHECKED = 10_000


def check_outputs(module: SupervisedLearning, data: ArrayData) -> None:
    """Send two samples through the model, which also gives lazy layers their shapes before the optimizer is made.

    A subclass with a step of its own may give its model something else, and take whatever comes out.

    Raises:
        UserError: the model takes other samples, or puts out anything but one tensor of the expected shape; or the loss
            does not fit the targets.
    """
    samples = data.splits.train.inputs[:2]
    module.eval()
    try:
        with torch.no_grad():
            outputs = module.model(samples)
    except Exception as error:
        if not module.is_step_ours:
            return
        raise _explain(error, module.model, data.input_shape) from None
    finally:
        module.train()
    if not module.is_step_ours:
        return
    check_is_tensor(outputs, module.model)
    got = tuple(outputs.shape)
    targets = data.splits.train.targets[:NUM_CHECKED]
    if not module.facts.has_classes and not targets.is_floating_point():
        raise UserError("data.targets=inputs needs inputs that are numbers, or a learner with a step of its own")
    check_labels(module.loss, targets)
    expected = _expected_outputs(module)
    if not _fits(got, (len(samples), *expected), module):
        shape = ", ".join(map(str, ("batch", *expected)))
        raise UserError(
            f"model must put out {math.prod(expected)} numbers a sample, ({shape}); got {got} for {len(samples)} "
            "samples"
        )
    _check_single_samples(module, data)


def _explain(error: Exception, model: object, input_shape: tuple[int, ...]) -> Exception:
    """Return a UserError if samples do not fit the model, or it takes other arguments, else the error itself: a bug."""
    place = place_of(error)
    if not callable(model):
        return UserError(f"model._target_ must make a torch.nn.Module; got {type(model).__name__}")
    is_misfit = isinstance(error, RuntimeError | ValueError | IndexError)
    if not (is_misfit or (isinstance(error, TypeError) and place is None)):
        return error
    reason = " ".join(str(error).splitlines()[0].split()) if str(error) else type(error).__name__
    at = "" if place is None else f" ({place})"
    return UserError(f"model must take samples of shape {input_shape}; it does not: {reason}{at}")


def _check_single_samples(module: SupervisedLearning, data: ArrayData) -> None:
    """Raise UserError if a batch has a single sample and the model cannot be trained on one, as by batch norm."""
    num_samples = len(data.splits.train)
    if min(data.batch_size, num_samples) > 1:
        return
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            deepcopy(module.model).train()(data.splits.train.inputs[:1])
    except ValueError as error:
        if SINGLE_SAMPLE not in str(error):
            raise
        key = "the training part must have" if num_samples == 1 else "data.batch_size must be"
        raise UserError(
            f"{key} at least 2 samples with batch norm, which cannot be trained on one; got 1: more, or a model "
            "without it, as by model.batch_norm=false"
        ) from None


def _expected_outputs(module: SupervisedLearning) -> tuple[int, ...]:
    """Return the shape of a sample's outputs: (classes, *target_shape), or for numbers the target's; (1,) for one."""
    facts = module.facts
    return (facts.output_size, *facts.target_shape) if facts.has_classes else facts.target_shape or (1,)


def _fits(got: tuple[int, ...], expected: tuple[int, ...], module: SupervisedLearning) -> bool:
    """Whether outputs have the shape that is expected; numbers may come in any shape of as many."""
    is_as_many = got[:1] == expected[:1] and math.prod(got) == math.prod(expected)
    return got == expected or (is_as_many and not module.facts.has_classes)
