"""The gate every case passes before it is matched: approved, published, unobjected, open."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic.dataclasses import dataclass

from aidmatch.fields import CONFIG, Day

__all__ = ["Gate"]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Gate:
    """How far a case has come.

    Parameters
    ----------
    approval
        The last step passed; only ``approved`` enters. It is never assumed.
    notice_ended_on
        Last day of the public notice. None where the platform does not record it: the approval, which comes after
        the notice, then stands for it.
    objected
        Whether an objection stands.
    status
        Only ``open`` enters.
    """

    approval: Literal["applied", "surveyed", "appraised", "published", "approved", "rejected"]
    notice_ended_on: Day | None = None
    objected: bool = False
    status: Literal["open", "reserved", "fulfilled", "closed"] = "open"

    def closed(self, as_of: date) -> str | None:
        """Why the case may not enter.

        Parameters
        ----------
        as_of
            The day decided for. A notice that ends on this very day counts as over.

        Returns
        -------
        ``NOT_APPROVED``, ``NOTICE_RUNNING``, ``OBJECTED`` or ``NOT_OPEN``, the first that applies; None if it enters.
        """
        if self.approval != "approved":
            return "NOT_APPROVED"
        if self.notice_ended_on is not None and self.notice_ended_on > as_of:
            return "NOTICE_RUNNING"
        if self.objected:
            return "OBJECTED"
        return None if self.status == "open" else "NOT_OPEN"
