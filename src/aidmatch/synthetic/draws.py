"""What every part of an instance draws with, and the assumptions that both families share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from aidmatch.arrays import Floats, Ints

__all__ = ["AS_OF", "CATEGORIES", "Streams", "apportion", "dealt", "ids", "one_each_and_more", "some", "streams_of"]

#: The day to decide for.
AS_OF: Final = date(2017, 6, 1)
#: Assumed shares of the categories.
CATEGORIES: Final = {b"A": 0.10, b"B": 0.20, b"C": 0.30, b"D": 0.40}

Streams = Callable[[str], Generator]


def streams_of(seed: int) -> Streams:
    """Give every part of an instance a stream of its own, by the part's name.

    Parameters
    ----------
    seed
        A non-negative integer.
    """
    return lambda part: Generator(PCG64(SeedSequence([seed, crc32(part.encode())])))


def apportion(weight: Floats, total: int) -> Ints:
    """Give whole shares of a total, by largest remainder.

    Parameters
    ----------
    weight
        Of each share.
    total
        What the shares add up to.
    """
    exact = weight / weight.sum() * total
    whole: Ints = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]] += 1
    return whole


def one_each_and_more(draw: Generator, weight: Floats, count: int) -> Ints:
    """Give so many indices of weights: each once, the others by weight.

    Parameters
    ----------
    draw
        To draw from.
    weight
        Of each index.
    count
        How many, at least one for each weight.
    """
    return np.concatenate(
        [np.arange(weight.size), draw.choice(weight.size, count - weight.size, p=weight / weight.sum())]
    )


def dealt(draw: Generator, shares: Mapping[Any, float], count: int) -> NDArray[Any]:
    """Give values in random order, each as often as its share says.

    Parameters
    ----------
    draw
        To draw from.
    shares
        Of each value.
    count
        How many.
    """
    each = apportion(np.array(list(shares.values())), count)
    return draw.permutation(np.repeat(np.array(list(shares)), each))


def some(draw: Generator, share: float, days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Keep a share of some days; the others become empty.

    Parameters
    ----------
    draw
        To draw from.
    share
        What is kept, more or less.
    days
        The days.
    """
    return np.where(draw.random(days.size) < share, days, np.datetime64("NaT"))


def ids(letter: bytes, count: int, *, after: int = 0) -> NDArray[np.bytes_]:
    """Give ids of a letter and six digits.

    Parameters
    ----------
    letter
        Which letter.
    count
        How many.
    after
        Number after which they begin.
    """
    return np.strings.add(letter, np.strings.zfill(np.arange(after + 1, after + count + 1).astype(bytes), 6))
