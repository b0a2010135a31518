"""A number of trials, shared out among stages."""

from __future__ import annotations

from collections.abc import Sequence


def share_out(total: int, parts: Sequence[float], most: Sequence[float]) -> list[int]:
    """Share a total in proportion to parts; each gets at least 1 and at most its own most.

    By the divisors of Webster and Sainte-Laguë (1, 3, 5, ...) and not by the largest remainder: with that one, a larger
    total can leave a part with less (the Alabama paradox), and a study that goes on with more trials would lose some.
    What one part cannot take goes to the others; if none can take more, the shares add up to less than the total.
    Example: 30 in parts 20 : 10 with at most 3 for the second is 27 and 3.

    total: at least the number of parts.
    """
    shares = [1] * len(parts)
    for _ in range(total - len(parts)):
        free = [index for index, share in enumerate(shares) if share < most[index]]
        if not free:
            break
        shares[max(free, key=lambda index: parts[index] / (2 * shares[index] + 1))] += 1
    return shares
