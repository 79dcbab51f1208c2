"""How to choose: the order of categories, the order of levels, the limits. Data, not code."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from aidmatch.errors import PolicyError
from aidmatch.fields import CONFIG, Count, Distinct, Kilometres, Ordered, Text

__all__ = ["Policy"]


def _pairs(value: Any) -> Any:
    pairs = value.items() if isinstance(value, Mapping) else value
    if not isinstance(pairs, Iterable) or not all(isinstance(pair, list | tuple) and pair for pair in pairs):
        return value
    ordered = tuple(sorted(map(tuple, pairs), key=lambda pair: str(pair[0])))
    if len({str(pair[0]) for pair in ordered}) < len(ordered):
        raise PydanticCustomError("TWICE", "names something twice")
    return ordered


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
    max_km_by_item
        Radii of single items, which stand instead of `max_km`: a mapping, kept as sorted pairs.
    seed
        The key of the lottery that decides between answers equally good at every level. Who holds it can recompute
        the draw, so publish it after ids are fixed, and draw a new one for a new round.
    max_pairs_changed
        A guard: most pairs in force that a run may end, of those whose two sides still take part. A run that would
        end more is refused; with ``pairs`` right below ``coverage`` that is the fewest for the coverage.
    min_load
        What a caregiver's `min_persons` is: ``soft`` counts how many are missing, as the level ``minimum-loads``, which
        stands right below coverage unless it is named; ``hard`` allows no caregiver fewer, unless none. The hard form
        can reduce coverage, and one more eligible pair can then lower it. A caregiver with pinned clients is exempt.
    balance
        What the level ``balance`` counts: the ``largest`` share of what a caregiver can carry, in per mille rounded up,
        or the ``total`` of all differences from fair shares of what is asked.
    coverage_in
        What coverage counts: ``units``, ``needs`` that are met in full, ``households`` that get something, or the
        ``value`` of what is served, by the problem's prices. Without it, units; but needs, where kinds of goods compete
        for one fund, since by units that would buy what is cheap.
    delivery_days
        Days from the decision to the household. Goods that expire sooner are not sent.
    travel_minutes_per_km
        Minutes of travel a week, there and back, that a client one kilometre away adds to a caregiver's load; a part of
        a minute counts as one.
    """

    name: Text = "giving"
    version: Text = "1"
    schema: Literal[1] = 1
    family: Literal["giving", "care"] = "giving"
    categories: Ordered = ("A", "B", "C", "D")
    levels: Ordered = ("coverage", "distance")
    rules: Distinct = ("only-categories", "only-areas", "only-project", "own-product")
    max_km: Kilometres | None = None
    max_km_by_item: Annotated[tuple[tuple[Text, Kilometres], ...], BeforeValidator(_pairs)] = ()
    max_pairs_changed: Count | None = None
    seed: Text = "0"
    min_load: Literal["soft", "hard"] = "soft"
    balance: Literal["largest", "total"] = "largest"
    travel_minutes_per_km: Count = 0
    coverage_in: Literal["units", "needs", "households", "value"] | None = None
    delivery_days: Annotated[Count, Field(le=3_650)] = 0

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
        return cls._made({"family": "giving", **fields}, "giving")

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
            "rules": ("services", "languages", "caregiver-gender", "windows"),
        }
        return cls._made({"family": "care", **usual, **fields}, "care")

    @classmethod
    def _made(cls, fields: dict[str, Any], family: str) -> Policy:
        if fields["family"] != family:
            raise PolicyError(f"policy field 'family': {family!r} is asked for")
        try:
            return cls(**fields)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise PolicyError(f"policy field {field!r}: {first['msg'].lower()}") from None

    def replace(self, **fields: Any) -> Policy:
        """Return a changed copy; errors as for `giving`."""
        return self._made({**asdict(self), **fields}, self.family)

    def max_metres(self, item: str) -> int | None:
        """The radius of an item in whole metres; None for no limit.

        Parameters
        ----------
        item
            Its name.
        """
        max_km = dict(self.max_km_by_item).get(item, self.max_km)
        return None if max_km is None else round(max_km * 1000)

    @property
    def digest(self) -> str:
        """SHA-256 of the policy's fields, in hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy from TOML; a field that is left out keeps its default.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        The policy.

        Raises
        ------
        PolicyError
            If the file is no TOML, or as `giving`.
        OSError
            If it cannot be read.
        """
        try:
            fields = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PolicyError(f"{Path(path).name} is no TOML: {error}") from None
        families = {"giving": cls.giving, "care": cls.care}
        family = fields.get("family")
        if not isinstance(family, str) or family not in families:
            raise PolicyError(f"{Path(path).name}: family is one of {', '.join(families)}")
        return families[family](**fields)

    def dump(self, path: str | Path) -> Path:
        """Write the policy as TOML.

        Parameters
        ----------
        path
            The file, which is replaced.

        Returns
        -------
        The path.
        """
        import tomli_w  # only who writes policies needs it

        fields = {name: value for name, value in asdict(self).items() if value is not None}
        fields["max_km_by_item"] = dict(self.max_km_by_item)
        Path(path).write_text(tomli_w.dumps(fields), encoding="utf-8")
        return Path(path)
