"""When something is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

__all__ = ["Clock", "by_size", "over", "remaining", "share_of"]

Clock = Callable[[], float]


def over(end: float | None, clock: Clock) -> bool:
    """Whether it is over by a clock; never without an end."""
    return end is not None and clock() >= end


def remaining(end: float | None, clock: Clock) -> float | None:
    """Seconds that are left, 0 at least; None for no end."""
    return None if end is None else max(0.0, end - clock())


def share_of(end: float | None, part: float, clock: Clock) -> float | None:
    """When some part of what is left is over."""
    return None if end is None else clock() + part * max(0.0, end - clock())


def by_size(sizes: Sequence[int], end: float | None, clock: Clock) -> list[Callable[[], float | None]]:
    """Share what is left by size.

    Parameters
    ----------
    sizes
        Of those who get it, one after the other.
    end, clock
        When it is over, and what tells the time.

    Returns
    -------
    What tells each, when it begins, how many seconds it has; what one leaves goes to the next.
    """

    def seconds(place: int) -> float | None:
        return remaining(share_of(end, sizes[place] / sum(sizes[place:]), clock), clock)

    return [partial(seconds, place) for place in range(len(sizes))]
