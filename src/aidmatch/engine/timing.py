"""When something is over."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Clock", "over", "remaining", "share_of"]

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
