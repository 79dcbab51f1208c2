"""What people decided: pairs that must be, and pairs that must not be."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from aidmatch.fields import CONFIG, Day, Id, Positive, Text

__all__ = ["Decision"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Decision:
    """One decision by a person about one pair: an override, a blacklist entry, a commitment.

    Parameters
    ----------
    id
        Text of 1–64 characters.
    kind
        ``pin``: the pair must be. ``forbid``: it must not be.
    demand_id, supply_id
        Which pair.
    quantity
        Units pinned; None for as many as both sides have. Without meaning for a ``forbid``.
    reason
        Why, for the file.
    by
        Who decided: a role or a number in the platform, not a name.
    on, until
        The first and the last day on which it holds; no last day if `until` is empty.
    """

    table: ClassVar[str] = "decisions"

    id: Id
    kind: Literal["pin", "forbid"]
    demand_id: Id
    supply_id: Id
    quantity: Positive | None = None
    reason: Text | None = None
    by: Id | None = None
    on: Day
    until: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Decision:
        if self.until is not None and self.until < self.on:
            raise PydanticCustomError("OUT_OF_RANGE", "until is before on, so that it would never hold")
        return self

    def __repr__(self) -> str:
        return f"<Decision {self.id!r}: {self.kind}>"

    def holds(self, as_of: date) -> bool:
        """Whether it is in force on a day.

        Parameters
        ----------
        as_of
            The day decided for.
        """
        return self.on <= as_of and (self.until is None or as_of <= self.until)
