"""Macro recall, as an example of a metric: a function (outputs, targets) -> number."""

from torch import Tensor


def macro_recall(outputs: Tensor, targets: Tensor) -> float:
    """Return the mean of the classes' recalls: a rare class counts as much as a frequent one.

    outputs: (samples, classes), float32, the largest is the predicted class; targets: (samples,), int64.
    """
    predicted = outputs.argmax(dim=1)
    recalls = [(predicted[targets == label] == label).float().mean() for label in targets.unique()]
    return float(sum(recalls) / len(recalls))
