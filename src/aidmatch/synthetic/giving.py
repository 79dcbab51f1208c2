"""Needs and donations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aidmatch.arrays import Floats, Ints
from aidmatch.synthetic.dirt import soiled
from aidmatch.synthetic.draws import AS_OF, CATEGORIES, Streams, apportion, ids, one_each_and_more, some, streams_of
from aidmatch.synthetic.land import CITY, COUNTY, PROVINCE, TOY, Land, Region, around, land_of
from aidmatch.synthetic.tables import Instance, Table

__all__ = ["GivingInstance", "county", "liaocheng_2017", "province", "toy"]

_NEEDS_A_HOUSEHOLD: Final = 1.6
_HUB_PIECES: Final = 2 / 3
_HUB_MEDIAN: Final = 60
_HUB_SIGMA: Final = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class GivingInstance(Instance):
    """The needs and donations of one made-up place.

    Parameters
    ----------
    name, as_of, max_km, tables
        As of any `Instance`; the tables are ``needs`` and ``donations``.
    dirt
        Numbers of the dirty rows, counted from 1 (their line in a file is one more), by table and kind, such as
        ``needs.absurd_quantity``. Empty for a clean instance.
    """

    dirt: Mapping[str, tuple[int, ...]] = field(repr=False)

    def needs(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the needs."""
        return self.rows("needs")

    def donations(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the donations."""
        return self.rows("donations")


def toy(seed: int = 0, *, dirt: bool = False) -> GivingInstance:
    """Twelve needs of three kinds in three villages, and eight lots: small enough to read on a screen.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance.
    dirt
        Whether to append bad rows.
    """
    return _giving(_TOY, seed, dirt)


def county(seed: int = 0, *, dirt: bool = False) -> GivingInstance:
    """A county's pilot: 1,300 needs in 50 villages, and 6,311 pieces in 512 lots.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance.
    dirt
        Whether to append bad rows.
    """
    return _giving(_COUNTY, seed, dirt)


def liaocheng_2017(seed: int = 0, *, dirt: bool = False) -> GivingInstance:
    """The city of 2017: 7,622 needs in 557 villages, and 37,000 pieces in 3,000 lots.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance.
    dirt
        Whether to append bad rows.
    """
    return _giving(_CITY, seed, dirt)


def province(seed: int = 0, *, dirt: bool = False) -> GivingInstance:
    """A province: 1,000,000 needs of 40 kinds in 54,287 villages, and 700,000 lots, in some seconds and 0.5 GB.

    Parameters
    ----------
    seed
        A non-negative integer; another seed gives another instance.
    dirt
        Whether to append bad rows.
    """
    return _giving(_PROVINCE, seed, dirt)


#: A kind of goods: weights of what is needed and offered; pieces a person at most, or 0 for one a household.
_KIND: Final = np.dtype(
    [("name", "S16"), ("unit", "S8"), ("needed", "f8"), ("each", "i8"), ("offered", "f8"), ("perishable", "?")]
)
_SIXTEEN: Final = np.array(
    [
        ("rice", "bag", 15, 2, 6, True),
        ("flour", "bag", 10, 2, 4, True),
        ("oil", "bottle", 10, 1, 5, True),
        ("quilt", "piece", 10, 1, 2, False),
        ("cotton coat", "piece", 8, 1, 5, False),
        ("school bag", "piece", 5, 0, 4, False),
        ("book", "piece", 4, 3, 14, False),
        ("rice cooker", "piece", 7, 0, 0.8, False),
        ("pressure cooker", "piece", 5, 0, 0.5, False),
        ("fan", "piece", 5, 0, 2, False),
        ("washing machine", "piece", 4, 0, 0.2, False),
        ("wheelchair", "piece", 2, 0, 0.2, False),
        ("walker", "piece", 2, 0, 0.3, False),
        ("clothes", "piece", 7, 3, 45, False),
        ("shoes", "pair", 4, 1, 10, False),
        ("desk lamp", "piece", 2, 0, 1, False),
    ],
    _KIND,
)
_MORE: Final = (
    "blanket,mattress,towel,kettle,heater,pillow,stool,electric blanket,soap,thermos flask,bicycle,bed sheet,"
    "washing powder,curtain,notebook,radio,hearing aid,bowl,gloves,hat,pencil case,wok,sewing machine,umbrella"
)
_MORE_WEIGHTS: Final = ((3, 1, 2), (2, 1, 0.5), (0.5, 2, 3), (1, 0, 0.6), (1.5, 0, 0.2), (0.5, 1, 1))


def _forty() -> NDArray[Any]:
    more = [(name, "piece", *weights, False) for name, weights in zip(_MORE.split(","), cycle(_MORE_WEIGHTS))]
    kinds = np.concatenate([_SIXTEEN, np.array(more, _KIND)])
    for column, kind, share in (("needed", 0, 0.15), ("offered", 13, 0.45)):
        kinds[column][kind] = share / (1 - share) * np.delete(kinds[column], kind).sum()
    return kinds


def _three() -> NDArray[Any]:
    kinds = _SIXTEEN[[0, 3, 13]]
    kinds["offered"] = 8, 4, 18
    return kinds


@dataclass(frozen=True, slots=True)
class _Scale:
    """The figures of an instance."""

    name: str
    region: Region
    needs: int
    lots: int
    pieces: int
    max_km: float
    kinds: Callable[[], NDArray[Any]] = _SIXTEEN.copy


_TOY: Final = _Scale("toy", TOY, 12, 8, 30, 10.0, _three)
_COUNTY: Final = _Scale("county", COUNTY, 1_300, 512, 6_311, 15.0)
_CITY: Final = _Scale("liaocheng_2017", CITY, 7_622, 3_000, 37_000, 30.0)
_PROVINCE: Final = _Scale("province", PROVINCE, 1_000_000, 700_000, 4_854_000, 30.0, _forty)


def _giving(scale: _Scale, seed: int, dirt: bool) -> GivingInstance:
    streams = streams_of(seed)
    land, kinds = land_of(scale.region, streams), scale.kinds()
    tables = {
        "needs": Table(_needs(scale, kinds, land, streams)),
        "donations": Table(_donations(scale, kinds, land, streams)),
    }
    numbers: dict[str, tuple[int, ...]] = {}
    if dirt:
        tables, numbers = soiled(tables, streams)
    return GivingInstance(scale.name, AS_OF, scale.max_km, tables, MappingProxyType(numbers))


def _needs(scale: _Scale, kinds: NDArray[Any], land: Land, streams: Streams) -> dict[str, NDArray[Any]]:
    count, households = scale.needs, round(scale.needs / _NEEDS_A_HOUSEHOLD)

    draw = streams("households")
    village = one_each_and_more(draw, draw.gamma(1.2, size=scale.region.villages), households)
    at = around(draw, land.village_at[village], exactly=0.4)
    people = np.minimum(1 + streams("people").poisson(0.9, households), 7)
    category = streams("categories").choice(list(CATEGORIES), households, p=list(CATEGORIES.values()))

    draw = streams("needs")
    further = draw.choice(2 * households, count - households, replace=False) % households
    household = draw.permutation(np.concatenate([np.arange(households), further]))
    item = _deal(draw, household, apportion(kinds["needed"], count))
    most = np.maximum(people[household] * kinds["each"][item], 1)

    draw = streams("need days")
    registered = np.sort(_day(-365) + draw.integers(0, 335, count))
    return {
        "id": ids(b"N", count),
        "household_id": ids(b"H", households)[household],
        "item": kinds["name"][item],
        "quantity": 1 + streams("quantities").binomial(most - 1, 0.5),
        "unit": kinds["unit"][item],
        "category": category[household],
        "code": land.village_code.astype("S12")[village[household]],
        **land.degrees(at[household]),
        "approval": np.full(count, b"approved"),
        "notice_ended_on": registered + draw.integers(7, 22, count),
        "objected": np.zeros(count, bool),
        "status": np.full(count, b"open"),
        "registered_on": registered,
        "needed_by": some(draw, 0.10, _day(14) + draw.integers(0, 120, count)),
        "urgent": streams("urgent").random(count) < 0.05,
    }


def _donations(scale: _Scale, kinds: NDArray[Any], land: Land, streams: Streams) -> dict[str, NDArray[Any]]:
    count = scale.lots
    hubs = round(scale.pieces * _HUB_PIECES / (_HUB_MEDIAN * math.exp(_HUB_SIGMA**2 / 2)))
    at_hubs = round(scale.pieces * _HUB_PIECES) if hubs else 0
    hub = streams("hubs").permutation(count) < hubs

    draw = streams("lots")
    size, item = np.empty((2, count), np.int64)
    for lots, pieces, sigma in ((hub, at_hubs, _HUB_SIGMA), (~hub, scale.pieces - at_hubs, 0.9)):
        number = int(lots.sum())
        size[lots] = 1 + apportion(draw.lognormal(0, sigma, number), pieces - number)
        item[lots] = _kinds_of_lots(draw, size[lots], kinds["offered"])

    draw = streams("donors")
    donors = round(0.6 * (count - hubs))
    choices = draw.integers(0, [[scale.region.counties], [scale.region.townships]], (2, donors))
    donor_town = np.where(draw.random(donors) < 0.4, *choices)
    donor_at = around(draw, land.town_at[donor_town], exactly=0.5)
    donor = draw.integers(0, donors, count)
    town = np.where(hub, draw.integers(0, scale.region.counties, count), donor_town[donor])
    seat_of = land.town_county[town]

    draw = streams("earmarks")
    # where there is one county only, donors earmark for its townships
    area, codes = (seat_of, land.county_code) if scale.region.counties > 1 else (town, land.town_code)
    names = codes.astype(bytes)
    another = names[(area + draw.integers(1, len(codes), count)) % len(codes)]
    two = np.strings.add(np.strings.add(names[area], b";"), another)
    only_areas = np.where(draw.random(count) < 0.3, two, names[area])
    only_categories = draw.choice(np.array([b"A", b"A;B", b"A;B;C"]), count)

    draw = streams("lot days")
    expires = some(draw, 0.7, _day(7) + draw.integers(0, 300, count))
    return {
        "id": ids(b"L", count),
        "donor_id": ids(b"D", donors)[donor],
        "item": kinds["name"][item],
        "quantity": size.copy(),
        "unit": kinds["unit"][item],
        "code": np.where(hub, land.county_code[seat_of] * 10**6, land.town_code[town] * 1000).astype("S12"),
        **land.degrees(np.where(hub[:, None], land.town_at[town], donor_at[donor])),
        "status": np.where(streams("pledged").random(count) < 0.15, b"pledged", b"in_stock"),
        "available_until": some(draw, 0.05, _day(14) + draw.integers(0, 180, count)),
        "expires_on": np.where(kinds["perishable"][item], expires, np.datetime64("NaT")),
        "max_km": np.where(draw.random(count) < 0.03, draw.choice([5.0, 10.0, 20.0], count), np.nan),
        "only_categories": np.where(draw.random(count) < 0.15, only_categories, b""),
        "only_areas": np.where(draw.random(count) < 0.10, only_areas, b""),
    }


def _deal(draw: Generator, household: Ints, counts: Ints) -> Ints:
    """A kind for every need: so many of each, none twice in a household."""
    item = draw.permutation(np.repeat(np.arange(len(counts)), counts))
    while True:
        key = household * len(counts) + item
        order = np.argsort(key, kind="stable")
        again = order[1:][np.diff(key[order]) == 0]
        if not again.size:
            return item
        mixed = np.union1d(again, draw.integers(0, item.size, again.size))
        item[mixed] = item[draw.permutation(mixed)]


def _kinds_of_lots(draw: Generator, size: Ints, offered: Floats) -> Ints:
    """A kind for every lot: pieces close to the shares offered, larger lots rather of what is offered most."""
    order = np.argsort(draw.normal(0, 0.5, size.size) - np.log(size), kind="stable")
    ranked = np.argsort(-offered, kind="stable")
    edges = np.cumsum(offered[ranked] / offered.sum()) * size.sum()
    middle = np.cumsum(size[order]) - size[order] / 2
    kind = np.empty(size.size, np.int64)
    kind[order] = ranked[np.searchsorted(edges[:-1], middle, side="right")]
    return kind


def _day(offset: int) -> np.datetime64:
    return np.datetime64(AS_OF + timedelta(offset), "D")
