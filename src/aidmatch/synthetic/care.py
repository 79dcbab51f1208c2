"""Clients, caregivers and the pairs in force; and what a quarter changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aidmatch.arrays import Bools, Ints
from aidmatch.matching import Assignment
from aidmatch.synthetic.draws import AS_OF, CATEGORIES, Streams, dealt, ids, one_each_and_more, streams_of
from aidmatch.synthetic.land import CITY, COUNTY, TOY, Land, Region, around, land_of
from aidmatch.synthetic.tables import Instance, Table

__all__ = ["CareInstance", "county_care", "liaocheng_2017_care", "next_quarter", "toy_care"]

_CLIENTS_A_HOUSEHOLD: Final = 1.1
_SEVERITY: Final = {b"mild": 0.66, b"moderate": 0.14, b"severe": 0.20}
_HOURS: Final = {3: 0.20, 5: 0.30, 7: 0.25, 10: 0.15, 14: 0.10}
_CAREGIVERS_NEEDED: Final = {1: 0.97, 2: 0.03}
_LANGUAGES_ASKED: Final = {b"": 0.85, b"local": 0.12, b"mandarin": 0.03}
_LANGUAGES_SPOKEN: Final = {b"local;mandarin": 0.75, b"local": 0.20, b"mandarin": 0.05}
_SERVICES: Final = ("accompany", "clean", "cook", "talk")
_SERVICES_ASKED: Final = {1: 0.60, 2: 0.40}
_SERVICES_OFFERED: Final = {2: 0.30, 3: 0.40, 4: 0.30}
_WOMEN_WHO_ASK_FOR_A_WOMAN: Final = 0.10
_MAX_PERSONS: Final = {3: 0.15, 4: 0.25, 5: 0.60}
_POOR: Final = {True: 0.60, False: 0.40}
_CLIENT_GENDERS: Final = {b"F": 0.58, b"M": 0.42}
_CAREGIVER_GENDERS: Final = {b"F": 0.70, b"M": 0.30}
#: What a quarter changes: clients who leave, and as many who join; caregivers who leave.
_CLIENT_CHURN: Final = 0.07
_CAREGIVER_CHURN: Final = 5 / 1_138


@dataclass(frozen=True, slots=True, eq=False)
class CareInstance(Instance):
    """The clients and caregivers of one made-up place on one day, and the pairs in force.

    Parameters
    ----------
    name, as_of, max_km, tables
        As of any `Instance`; the tables are ``clients``, ``caregivers`` and ``current``.
    land
        Where people live.
    """

    land: Land = field(repr=False)

    def clients(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the clients."""
        return self.rows("clients")

    def caregivers(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the caregivers."""
        return self.rows("caregivers")

    def current(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the pairs in force."""
        return self.rows("current")


def toy_care(seed: int = 0) -> CareInstance:
    """Fifteen clients in three villages, and three caregivers for fourteen: small enough to read on a screen.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance. The land is that of `toy`.
    """
    return _care("toy_care", TOY, 15, 3, seed)


def county_care(seed: int = 0) -> CareInstance:
    """A county's pilot: 500 clients and 120 caregivers in 50 villages.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance. The land is that of `county`.
    """
    return _care("county_care", COUNTY, 500, 120, seed)


def liaocheng_2017_care(seed: int = 0) -> CareInstance:
    """The city of 2017: 3,931 clients and 1,138 caregivers in 557 villages.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance. The land is that of `liaocheng_2017`.
    """
    return _care("liaocheng_2017_care", CITY, 3_931, 1_138, seed)


def next_quarter(instance: CareInstance, assignments: Iterable[Assignment], seed: int = 0) -> CareInstance:
    """Three months later: some clients leave, as many join, a few caregivers leave.

    Nobody is taken off the tables: the case of a client who leaves is ``closed``, and a caregiver who leaves was
    available until some day of the quarter. The pairs in force are the assignments whose two sides are still there.

    Parameters
    ----------
    instance
        The quarter before.
    assignments
        What was decided for it and came about: in force since that day, or for as long as they were already.
    seed
        A non-negative integer; another seed gives another quarter.

    Returns
    -------
    The instance of the first day of the month three months later.
    """
    as_of: date = (np.datetime64(instance.as_of, "M") + 3).astype("datetime64[D]").item()
    quarter = (as_of - instance.as_of).days
    streams = _streams_of(seed, as_of)
    clients, caregivers = (dict(instance.tables[name].columns) for name in ("clients", "caregivers"))

    gone = _some_of(streams("exits"), clients["status"] == b"open", _CLIENT_CHURN)
    clients["status"] = np.where(gone, b"closed", clients["status"])
    homes = instance.land.villages_of(clients["code"])
    joining = int(gone.sum())
    village = streams("villages").choice(homes, _households(joining))
    after = len(gone), len(np.unique(clients["household_id"]))
    new = _clients(
        joining, village, instance.land, streams, after=after, waiting=np.datetime64(as_of) - np.arange(quarter)
    )
    clients = {header: np.concatenate([column, new[header]]) for header, column in clients.items()}

    ending = caregivers["available_until"].copy()
    resigned = _some_of(streams("resignations"), np.isnat(ending), _CAREGIVER_CHURN)
    ending[resigned] = np.datetime64(as_of) - streams("last days").integers(1, quarter, int(resigned.sum()))
    caregivers["available_until"] = ending

    client_ids = set(clients["id"][clients["status"] == b"open"].astype(str).tolist())
    caregiver_ids = set(caregivers["id"][np.isnat(ending)].astype(str).tolist())
    since = {(row["demand_id"], row["supply_id"]): row["since"] for row in instance.current()}
    in_force = {
        pair: since.get(pair, instance.as_of)
        for pair in ((a.demand_id, a.supply_id) for a in assignments)
        if pair[0] in client_ids and pair[1] in caregiver_ids
    }
    return replace(instance, as_of=as_of, tables=_tables(clients, caregivers, in_force))


def _streams_of(seed: int, as_of: date) -> Streams:
    """Streams that are neither those of giving nor those of another day."""
    streams = streams_of(seed)
    return lambda part: streams(f"care {as_of} {part}")


def _care(name: str, region: Region, clients: int, caregivers: int, seed: int) -> CareInstance:
    land = land_of(region, streams_of(seed))
    streams = _streams_of(seed, AS_OF)
    draw = streams("villages")
    village = _villages(draw, land, _households(clients))
    waiting = np.datetime64(AS_OF) - np.arange(10, 730)
    people = (
        _clients(clients, village, land, streams, after=(0, 0), waiting=waiting),
        _caregivers(caregivers, land, streams),
    )
    return CareInstance(name, AS_OF, 10.0, _tables(*people, {}), land)


def _villages(draw: Generator, land: Land, count: int) -> Ints:
    """So many villages, each of them once at least: many in some villages, and in some townships."""
    of_village = draw.gamma(1.2, size=len(land.village_code))
    of_town = draw.gamma(3.0, size=len(land.town_code))
    return one_each_and_more(draw, of_village * of_town[land.village_town], count)


def _households(clients: int) -> int:
    return math.ceil(clients / _CLIENTS_A_HOUSEHOLD)


def _clients(
    count: int,
    village: Ints,
    land: Land,
    streams: Streams,
    *,
    after: tuple[int, int],
    waiting: NDArray[np.datetime64],
) -> dict[str, NDArray[Any]]:
    """So many clients in households of given villages, numbered after others, who wait since one of some days."""
    draw, households = streams("clients"), len(village)
    household = draw.permutation(
        np.concatenate([np.arange(households), draw.choice(households, count - households, replace=False)])
    )
    at = around(draw, land.village_at[village], exactly=0.4)
    gender = dealt(streams("client genders"), _CLIENT_GENDERS, count)
    asks = streams("caregiver genders asked").random(count) < _WOMEN_WHO_ASK_FOR_A_WOMAN
    draw = streams("client days")
    since = draw.choice(waiting, count)
    return {
        "id": ids(b"C", count, after=after[0]),
        "household_id": ids(b"E", households, after=after[1])[household],
        "category": dealt(streams("categories"), CATEGORIES, households)[household],
        "code": land.village_code.astype("S12")[village[household]],
        **land.degrees(at[household]),
        "approval": np.full(count, b"approved"),
        "notice_ended_on": since - draw.integers(1, 22, count),
        "objected": np.zeros(count, bool),
        "status": np.full(count, b"open"),
        "severity": dealt(streams("severity"), _SEVERITY, count),
        "gender": gender,
        "minutes_per_week": dealt(streams("hours"), _HOURS, count) * 60,
        "services": _services(streams("services asked"), _SERVICES_ASKED, count),
        "languages": dealt(streams("languages asked"), _LANGUAGES_ASKED, count),
        "caregiver_gender": np.where(asks & (gender == b"F"), b"F", b""),
        "caregivers_needed": dealt(streams("caregivers needed"), _CAREGIVERS_NEEDED, count),
        "waiting_since": since,
    }


def _caregivers(count: int, land: Land, streams: Streams) -> dict[str, NDArray[Any]]:
    draw = streams("caregivers")
    village = draw.permutation(_villages(draw, land, count))
    return {
        "id": ids(b"G", count),
        "household_id": ids(b"F", count),
        "gender": dealt(streams("genders"), _CAREGIVER_GENDERS, count),
        "birth_year": streams("birth years").integers(1947, 1966, count),
        "code": land.village_code.astype("S12")[village],
        **land.degrees(around(draw, land.village_at[village], exactly=0.4)),
        "services": _services(streams("services offered"), _SERVICES_OFFERED, count),
        "languages": dealt(streams("languages spoken"), _LANGUAGES_SPOKEN, count),
        "max_persons": dealt(streams("max persons"), _MAX_PERSONS, count),
        "available_until": np.full(count, np.datetime64("NaT", "D")),
        "poor_household": dealt(streams("poor"), _POOR, count),
    }


def _services(draw: Generator, shares: Mapping[int, float], count: int) -> NDArray[np.bytes_]:
    """Sets of services by their sizes' shares, every set of a size as often as another."""
    sets = {size: [";".join(names).encode() for names in combinations(_SERVICES, size)] for size in shares}
    return dealt(draw, {one: share / len(sets[size]) for size, share in shares.items() for one in sets[size]}, count)


def _some_of(draw: Generator, candidates: Bools, share: float) -> Bools:
    """A share of the candidates."""
    rows = draw.permutation(np.flatnonzero(candidates))
    return np.isin(np.arange(len(candidates)), rows[: round(len(rows) * share)])


def _tables(
    clients: Mapping[str, NDArray[Any]],
    caregivers: Mapping[str, NDArray[Any]],
    in_force: Mapping[tuple[str, str], date],
) -> dict[str, Table]:
    pairs = sorted(in_force)
    current = {
        "demand_id": np.array([demand_id for demand_id, _ in pairs], np.bytes_),
        "supply_id": np.array([supply_id for _, supply_id in pairs], np.bytes_),
        "since": np.array([in_force[pair] for pair in pairs], "datetime64[D]"),
        "state": np.full(len(pairs), b"signed"),
    }
    return {"clients": Table(clients), "caregivers": Table(caregivers), "current": Table(current)}
