"""How many examples a sweep takes in the ordinary run and in the long one, and what it may be run on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import settings

#: A long sweep, whose lines shorter ones run as well: measuring coverage would only cost time.
sweep = pytest.mark.no_cover


def examples(ordinary: int, long: int | None = None) -> int:
    """Examples of a sweep that takes so many in the ordinary run, and ten times as many in a long one if not told."""
    if settings.get_current_profile_name() == "ordinary":
        return ordinary
    return 10 * ordinary if long is None else long


@contextmanager
def everything_is_large(*, nearby: bool = True) -> Iterator[None]:
    """Search tiny integer programs as if they were large: by what is looked ahead, few pairs, blocks, and regions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aidmatch.engine.parts.SMALL", 0)
        patch.setattr("aidmatch.engine.parts.SACKS", 0)
        patch.setattr("aidmatch.engine.primal.FEW", 1)
        patch.setattr("aidmatch.engine.primal.REACHES", ((1, 0), (1, 1)) if nearby else ())
        patch.setattr("aidmatch.engine.integer.BLOCKS", (1, 2))
        patch.setattr("aidmatch.engine.blocks.MOST_IN_BLOCK", 0.95)
        patch.setattr("aidmatch.engine.blocks.FEW_ROWS", 1.0)
        patch.setattr("aidmatch.engine.integer.CUTS", ((1 / 2, 1), (1 / 3, 2)))
        yield
