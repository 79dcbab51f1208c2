"""How far a solve has come, for whoever waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aidmatch.plugins import from_extra

__all__ = ["Bar", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a solve that goes on.

    Parameters
    ----------
    markets, markets_done
        Parts that are decided alone, and how many of them are proven.
    pairs, pairs_done
        Pairs that these parts have, eligible or not: what their work grows with.
    components
        Connected components that the proven parts fell into.
    rounds
        Times that the part now looked at was solved; 0 where workers decide them.
    missing
        Pairs that were last found to help it; None where workers decide.
    gap
        Units asked for in parts that are not proven yet: so many may still be served otherwise. 0 at the end.
    """

    markets: int
    markets_done: int
    pairs: int
    pairs_done: int
    components: int
    rounds: int
    missing: int | None
    gap: int


class Bar:
    """A bar in the terminal, to be given to `aidmatch.solve` as ``progress=``; it needs the extra ``progress``.

    Parameters
    ----------
    **options
        As `tqdm.tqdm` takes them, such as ``file`` or ``disable``.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` if tqdm is not installed.
    """

    def __init__(self, **options: Any) -> None:
        with from_extra("progress"):
            from tqdm import tqdm
        self._bar = tqdm(**{"unit": " pairs", "unit_scale": True, "desc": "deciding", **options})

    def __call__(self, progress: Progress) -> None:
        """Show a report."""
        self._bar.total = progress.pairs
        self._bar.set_postfix(
            {"proven": f"{progress.markets_done}/{progress.markets}", "round": progress.rounds}, refresh=False
        )
        self._bar.n = progress.pairs_done
        self._bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
