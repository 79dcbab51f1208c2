"""How to choose: the order of categories, the order of levels, the limits. Data, not code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from aidmatch.errors import PolicyError
from aidmatch.fields import CONFIG, Kilometres, Text

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Policy:
    """How to choose.

    Make one with `Policy.giving` or `Policy.care`, which report mistakes as `PolicyError`.

    Parameters
    ----------
    name, version
        The platform's own, for its files; they are part of the digest.
    schema
        Version of this record.
    family
        The kind of problem it is for.
    categories
        From the highest priority to the lowest.
    levels
        Names of the objective levels, from the highest to the lowest.
    rules
        Names of the rules a pair must pass.
    max_km
        The radius in kilometres, its edge included; None for no limit. Held to the metre.
    """

    name: Text = "giving"
    version: Text = "1"
    schema: Literal[1] = 1
    family: Literal["giving", "care"] = "giving"
    categories: Annotated[tuple[Text, ...], Field(min_length=1)] = ("A", "B", "C", "D")
    levels: Annotated[tuple[Text, ...], Field(min_length=1)] = ("coverage", "distance")
    rules: tuple[Text, ...] = ("only-categories", "only-areas", "own-product")
    max_km: Kilometres | None = None

    @classmethod
    def giving(cls, **fields: Any) -> Policy:
        """Build the policy of a giving problem.

        Parameters
        ----------
        **fields
            Any field of the class; the rest keep their defaults.

        Returns
        -------
        The policy.

        Raises
        ------
        PolicyError
            If a field is unknown or its value impossible, or a name stands twice in a list.
        """
        return cls._made({**fields, "family": "giving"})

    @classmethod
    def care(cls, **fields: Any) -> Policy:
        """Build the policy of a care problem.

        Parameters
        ----------
        **fields
            Any field of the class; the rest keep the defaults of care: coverage, then pairs in force kept by their
            age, then nearness, then distance, under the rules of services, languages and gender.

        Returns
        -------
        The policy.

        Raises
        ------
        PolicyError
            As `giving`.
        """
        usual = {
            "name": "care",
            "levels": ("coverage", "continuity", "nearness", "distance"),
            "rules": ("services", "languages", "caregiver-gender"),
        }
        return cls._made({**usual, **fields, "family": "care"})

    @classmethod
    def _made(cls, fields: dict[str, Any]) -> Policy:
        try:
            policy = cls(**fields)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise PolicyError(f"policy field {field!r}: {first['msg'].lower()}") from None
        for field in ("categories", "levels", "rules"):
            names = getattr(policy, field)
            if len(set(names)) < len(names):
                raise PolicyError(f"policy field {field!r} names something twice")
        return policy

    def replace(self, **fields: Any) -> Policy:
        """Return a changed copy; errors as for `giving`."""
        return self._made({**asdict(self), **fields})

    @property
    def max_metres(self) -> int | None:
        """The radius in whole metres."""
        return None if self.max_km is None else round(self.max_km * 1000)

    @property
    def digest(self) -> str:
        """SHA-256 of the policy's fields, in hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The policy as plain values, for JSON."""
        plain: dict[str, Any] = _POLICY.dump_python(self, mode="json")
        return plain


_POLICY = TypeAdapter(Policy)
