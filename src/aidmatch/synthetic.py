"""Made-up instances, calibrated on published figures: `toy`, `county`, `liaocheng_2017`, `province`.

**From the source** (a newspaper page of June 2017 on Liaocheng, and public statistics): 7,622 needs and 37,000 pieces
(Linqing's platform); 557 villages in 100 townships in 11 counties; the city's latitudes and longitudes; a county's
1,300 needs (Dongchangfu's platform); a province's 54,287 villages and 1 M needs; the 16 wants; households of
1 + Poisson(0.9) people, at most 7; poor households a village with a Gamma tail of shape 1.2; lognormal lots at hubs,
median 60; 45 % of what is offered is clothing; quantities of 1e14 by a slip of the finger.

**Assumptions**: category shares A .10, B .20, C .30, D .40; every other share of what is needed and offered; units and
quantities; 1.6 needs a household, at most three; 3,000 lots in the city and 700,000 in the province; 4.85 pieces a
need, as in the city, elsewhere; two thirds of the pieces at one hub a county; donors, earmarks and dates; a county's 9
townships and 50 villages; the province's box, 17 × 8 counties, 1,822 townships and 24 further wants, rice being 15 %
of its needs; every radius; the shares of dirt.

**Synthetic throughout**: no person, place or lot is real. Area codes have the form of real ones (2 digits province, 2
city, 2 county, 3 township, 3 village) and are made up: 371502 here is not the county that bears this code.

The same arguments give the same bytes under one version of NumPy, which may change its streams in another. Every part
has a stream of its own, so that a part added later changes no other.

``dirt=True`` appends bad rows to the same clean ones: `DIRT_SHARE` of the table's rows, at least one, for each kind;
`GivingInstance.dirt` says which. Each is a copy of a clean row with ids of its own and one thing wrong. In both tables:
``repeated_row`` (the very row once more), ``duplicate_id`` (another row's id, with one piece more), ``absurd_quantity``
(1e14), ``no_quantity`` (0), ``wrong_unit``, ``swapped_coordinates``, ``wrong_area_code`` (far away),
``damaged_area_code`` (as a spreadsheet shows a large number), ``personal_id`` (household or donor id in the form of a
citizen's id, of a 30 February), ``empty_cell`` (no item), ``bad_date`` (a 30 February). In the needs also
``duplicate_household`` (the same household and item under another id), ``unapproved``, ``notice_running``,
``objected``; in the donations ``expired``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from aidmatch.arrays import Floats, Ints
from aidmatch.errors import SourceError

__all__ = ["DIRT_SHARE", "GivingInstance", "Table", "county", "liaocheng_2017", "province", "toy"]

#: Rows appended for each kind of dirt, as a share of the clean rows.
DIRT_SHARE: Final = 0.002

_AS_OF: Final = date(2017, 6, 1)
_CATEGORIES: Final = {"A": 0.10, "B": 0.20, "C": 0.30, "D": 0.40}
_NEEDS_A_HOUSEHOLD: Final = 1.6
_HUB_PIECES: Final = 2 / 3
_HUB_MEDIAN: Final = 60
_HUB_SIGMA: Final = 0.8
_KM_A_DEGREE: Final = 111.195
_CHUNK: Final = 16_384

_Streams = Callable[[str], Generator]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows kept as columns.

    Parameters
    ----------
    columns
        The clean rows: read-only arrays of one length by header. Text is ASCII bytes, days are ``datetime64[D]``; an
        empty cell is ``b""``, NaT or NaN.
    appended
        The cells of the dirty rows, which come after them.
    """

    columns: Mapping[str, NDArray[Any]] = field(repr=False)
    appended: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for column in self.columns.values():
            column.setflags(write=False)
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) + len(self.appended)

    def cells(self) -> Iterator[tuple[Any, ...]]:
        """Yield every row's Python values in the order of the columns; None for an empty cell."""
        for start in range(0, len(self) - len(self.appended), _CHUNK):
            yield from zip(*(_cells(column[start : start + _CHUNK]) for column in self.columns.values()), strict=True)
        yield from self.appended

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every row's Python values by header; None for an empty cell."""
        for cells in self.cells():
            yield dict(zip(self.columns, cells, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class GivingInstance:
    """Needs and donations of one made-up place; a data source, so that ``read(instance, Need)`` reads it.

    Parameters
    ----------
    name
        The function that made it.
    as_of
        The day to decide for.
    max_km
        A sensible radius.
    tables
        The needs and the donations by name of table.
    dirt
        Numbers of the dirty rows, counted from 1 (their line in a file is one more), by table and kind, such as
        ``needs.absurd_quantity``. Empty for a clean instance.
    """

    name: str
    as_of: date
    max_km: float
    tables: Mapping[str, Table]
    dirt: Mapping[str, tuple[int, ...]] = field(repr=False)

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table.

        Parameters
        ----------
        table
            ``needs`` or ``donations``.

        Returns
        -------
        Flat rows of Python values by header; None for an empty cell.

        Raises
        ------
        SourceError
            If there is no such table.
        """
        if table not in self.tables:
            raise SourceError(f"{self.name} has no table {table!r}; it has {', '.join(self.tables)}")
        return self.tables[table].rows()

    def needs(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the needs."""
        return self.rows("needs")

    def donations(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the donations."""
        return self.rows("donations")

    def write(self, folder: str | Path) -> tuple[Path, Path]:
        """Write ``needs.csv`` and ``donations.csv`` (UTF-8, lines end in LF).

        Parameters
        ----------
        folder
            Where to; made if it is not there. Files of these names are replaced.

        Returns
        -------
        The paths of the needs and of the donations.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        needs, donations = Path(folder, "needs.csv"), Path(folder, "donations.csv")
        for path in (needs, donations):
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(self.tables[path.stem].columns)
                writer.writerows(self.tables[path.stem].cells())
        return needs, donations


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
    """The figures of an instance; `box` is south, north, west, east; `first_city` the code of the first city."""

    name: str
    needs: int
    lots: int
    pieces: int
    counties: int
    townships: int
    villages: int
    box: tuple[float, float, float, float]
    max_km: float
    first_city: int = 3715
    counties_a_city: int = 99
    kinds: Callable[[], NDArray[Any]] = _SIXTEEN.copy


_TOY: Final = _Scale("toy", 12, 8, 30, 1, 2, 3, (36.40, 36.49, 115.95, 116.06), 10.0, kinds=_three)
_COUNTY: Final = _Scale("county", 1_300, 512, 6_311, 1, 9, 50, (36.30, 36.56, 115.85, 116.16), 15.0)
_CITY: Final = _Scale("liaocheng_2017", 7_622, 3_000, 37_000, 11, 100, 557, (35.78, 37.03, 115.27, 116.53), 30.0)
_PROVINCE: Final = _Scale(
    "province", 1_000_000, 700_000, 4_854_000, 136, 1_822, 54_287, (34.4, 38.4, 114.8, 122.7), 30.0, 3701, 8, _forty
)


def _giving(scale: _Scale, seed: int, dirt: bool) -> GivingInstance:
    def streams(part: str) -> Generator:
        return Generator(PCG64(SeedSequence([seed, crc32(part.encode())])))

    land, kinds = _land(scale, streams), scale.kinds()
    tables = {
        "needs": Table(_needs(scale, kinds, land, streams)),
        "donations": Table(_donations(scale, kinds, land, streams)),
    }
    numbers: dict[str, tuple[int, ...]] = {}
    for name in tables if dirt else ():
        tables[name], found = _soiled(tables[name], _DIRT[name], streams(f"{name} dirt"))
        numbers |= {f"{name}.{kind}": rows for kind, rows in found.items()}
    return GivingInstance(scale.name, _AS_OF, scale.max_km, MappingProxyType(tables), MappingProxyType(numbers))


@dataclass(frozen=True, slots=True)
class _Land:
    """Places in km east and north of the box's corner; the first townships are the county seats."""

    county_code: Ints
    town_at: Floats
    town_county: Ints
    town_code: Ints
    village_at: Floats
    village_code: Ints
    corner: Floats
    km_a_degree: Floats

    def degrees(self, at: Floats) -> dict[str, Floats]:
        """The columns lat and lon of places, to about a metre."""
        lon, lat = np.round(self.corner + at / self.km_a_degree, 5).T
        return {"lat": lat.copy(), "lon": lon.copy()}


def _land(scale: _Scale, streams: _Streams) -> _Land:
    south, north, west, east = scale.box
    km_a_degree = np.array([_KM_A_DEGREE * math.cos(math.radians((south + north) / 2)), _KM_A_DEGREE])
    size = np.array([east - west, north - south]) * km_a_degree
    spread = 0.22 * math.sqrt(float(size.prod()) / scale.townships)

    draw = streams("townships")
    # the R2 sequence: as even as a tiling, however long, and its beginning (the county seats) as even as the whole
    even = (draw.random(2) + np.arange(scale.townships)[:, None] * np.array([0.7548776662, 0.5698402910])) % 1
    town_at = 2 * spread + even * (size - 4 * spread)
    town_at[scale.counties :] += draw.uniform(-spread, spread, (scale.townships - scale.counties, 2))
    seats = town_at[: scale.counties]
    seats[:] = seats[np.argsort(seats[:, 0], kind="stable")]
    city, number = np.divmod(np.arange(scale.counties), scale.counties_a_city)
    county_code = (scale.first_city + city) * 100 + number + 1
    town_county = np.argmin(((town_at[:, None, :] - seats) ** 2).sum(axis=2), axis=1)
    town_code = county_code[town_county] * 1000 + _number_within(town_county)

    draw = streams("villages")
    town = _one_each_and_more(draw, draw.gamma(3.0, size=scale.townships), scale.villages)
    away = draw.normal(0, spread, (scale.villages, 2))
    # a household stands up to 0.8 km off, and still in the box
    village_at = np.clip(town_at[town] + away, 1, size - 1)
    village_code = town_code[town] * 1000 + _number_within(town)
    corner = np.array([west, south])
    return _Land(county_code, town_at, town_county, town_code, village_at, village_code, corner, km_a_degree)


def _needs(scale: _Scale, kinds: NDArray[Any], land: _Land, streams: _Streams) -> dict[str, NDArray[Any]]:
    count, households = scale.needs, round(scale.needs / _NEEDS_A_HOUSEHOLD)

    draw = streams("households")
    village = _one_each_and_more(draw, draw.gamma(1.2, size=scale.villages), households)
    at = _around(draw, land.village_at[village], exactly=0.4)
    people = np.minimum(1 + streams("people").poisson(0.9, households), 7)
    category = streams("categories").choice(list(_CATEGORIES), households, p=list(_CATEGORIES.values())).astype("S1")

    draw = streams("needs")
    further = draw.choice(2 * households, count - households, replace=False) % households
    household = draw.permutation(np.concatenate([np.arange(households), further]))
    item = _deal(draw, household, _apportion(kinds["needed"], count))
    most = np.maximum(people[household] * kinds["each"][item], 1)

    draw = streams("need days")
    registered = np.sort(_day(-365) + draw.integers(0, 335, count))
    return {
        "id": _ids(b"N", count),
        "household_id": _ids(b"H", households)[household],
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
        "needed_by": _some(draw, 0.10, _day(14) + draw.integers(0, 120, count)),
        "urgent": streams("urgent").random(count) < 0.05,
    }


def _donations(scale: _Scale, kinds: NDArray[Any], land: _Land, streams: _Streams) -> dict[str, NDArray[Any]]:
    count = scale.lots
    hubs = round(scale.pieces * _HUB_PIECES / (_HUB_MEDIAN * math.exp(_HUB_SIGMA**2 / 2)))
    at_hubs = round(scale.pieces * _HUB_PIECES) if hubs else 0
    hub = streams("hubs").permutation(count) < hubs

    draw = streams("lots")
    size, item = np.empty((2, count), np.int64)
    for lots, pieces, sigma in ((hub, at_hubs, _HUB_SIGMA), (~hub, scale.pieces - at_hubs, 0.9)):
        number = int(lots.sum())
        size[lots] = 1 + _apportion(draw.lognormal(0, sigma, number), pieces - number)
        item[lots] = _kinds_of_lots(draw, size[lots], kinds["offered"])

    draw = streams("donors")
    donors = round(0.6 * (count - hubs))
    choices = draw.integers(0, [[scale.counties], [scale.townships]], (2, donors))
    donor_town = np.where(draw.random(donors) < 0.4, *choices)
    donor_at = _around(draw, land.town_at[donor_town], exactly=0.5)
    donor = draw.integers(0, donors, count)
    town = np.where(hub, draw.integers(0, scale.counties, count), donor_town[donor])
    seat_of = land.town_county[town]

    draw = streams("earmarks")
    # where there is one county only, donors earmark for its townships
    area, codes = (seat_of, land.county_code) if scale.counties > 1 else (town, land.town_code)
    names = codes.astype(bytes)
    another = names[(area + draw.integers(1, len(codes), count)) % len(codes)]
    two = np.strings.add(np.strings.add(names[area], b";"), another)
    only_areas = np.where(draw.random(count) < 0.3, two, names[area])
    only_categories = draw.choice(np.array([b"A", b"A;B", b"A;B;C"]), count)

    draw = streams("lot days")
    expires = _some(draw, 0.7, _day(7) + draw.integers(0, 300, count))
    return {
        "id": _ids(b"L", count),
        "donor_id": _ids(b"D", donors)[donor],
        "item": kinds["name"][item],
        "quantity": size.copy(),
        "unit": kinds["unit"][item],
        "code": np.where(hub, land.county_code[seat_of] * 10**6, land.town_code[town] * 1000).astype("S12"),
        **land.degrees(np.where(hub[:, None], land.town_at[town], donor_at[donor])),
        "status": np.where(streams("pledged").random(count) < 0.15, b"pledged", b"in_stock"),
        "available_until": _some(draw, 0.05, _day(14) + draw.integers(0, 180, count)),
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


def _apportion(weight: Floats, total: int) -> Ints:
    """Whole shares of a total by largest remainder."""
    exact = weight / weight.sum() * total
    whole: Ints = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]] += 1
    return whole


def _one_each_and_more(draw: Generator, weight: Floats, count: int) -> Ints:
    """So many indices of weights: each once, the others by weight."""
    return np.concatenate(
        [np.arange(weight.size), draw.choice(weight.size, count - weight.size, p=weight / weight.sum())]
    )


def _around(draw: Generator, at: Floats, *, exactly: float) -> Floats:
    """Places within 0.8 km of others, a share of them on the very spot."""
    away: Floats = np.where(draw.random(len(at)) < exactly, 0, 0.8 * np.sqrt(draw.random(len(at))))
    angle = draw.uniform(0, 2 * math.pi, len(at))
    moved: Floats = at + np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)
    return moved


def _number_within(group: Ints) -> Ints:
    """Numbers from 1 within each group, in order."""
    order = np.argsort(group, kind="stable")
    number = np.empty(group.size, np.int64)
    number[order] = 1 + np.arange(group.size) - np.searchsorted(group[order], group[order])
    return number


def _day(offset: int) -> np.datetime64:
    return np.datetime64(_AS_OF + timedelta(offset), "D")


def _some(draw: Generator, share: float, days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return np.where(draw.random(days.size) < share, days, np.datetime64("NaT"))


def _ids(letter: bytes, count: int) -> NDArray[np.bytes_]:
    return np.strings.add(letter, np.strings.zfill(np.arange(1, count + 1).astype(bytes), 6))


def _cells(column: NDArray[Any]) -> list[Any]:
    """Python values of a column, None for what is empty."""
    if column.dtype.kind == "S":
        return [text or None for text in column.astype(str).tolist()]
    # of a list's values, NaN alone differs from itself
    return [cell if cell == cell else None for cell in column.tolist()]


_Change = Callable[[dict[str, Any], int], dict[str, Any]]
_NOT_APPROVED: Final = ("applied", "surveyed", "appraised", "published", "rejected")


def _dirt(owner: str, day: str, **own: _Change) -> Mapping[str, _Change]:
    """What each kind of dirt writes over a copy of a row, given that row and its number among its kind."""
    return {
        "repeated_row": lambda row, number: row,
        "duplicate_id": lambda row, number: row | {"quantity": row["quantity"] + 1},
        "absurd_quantity": lambda row, number: {"quantity": 10**14},
        "no_quantity": lambda row, number: {"quantity": 0},
        "wrong_unit": lambda row, number: {"unit": "kilogram"},
        "swapped_coordinates": lambda row, number: {"lat": row["lon"], "lon": row["lat"]},
        "wrong_area_code": lambda row, number: {"code": "650102001001"},
        "damaged_area_code": lambda row, number: {"code": "3.71501E+11"},
        # nobody was born on this day
        "personal_id": lambda row, number: {owner: f"37150119900230{number:04d}"},
        "empty_cell": lambda row, number: {"item": None},
        "bad_date": lambda row, number: {day: "2017-02-30"},
        **own,
    }


_DIRT: Final = {
    "needs": _dirt(
        "household_id",
        "registered_on",
        duplicate_household=lambda row, number: {"household_id": row["household_id"]},
        unapproved=lambda row, number: {"approval": _NOT_APPROVED[number % len(_NOT_APPROVED)]},
        notice_running=lambda row, number: {"notice_ended_on": _AS_OF + timedelta(1 + number % 7)},
        objected=lambda row, number: {"objected": True},
    ),
    "donations": _dirt(
        "donor_id", "expires_on", expired=lambda row, number: {"expires_on": _AS_OF - timedelta(1 + number % 30)}
    ),
}


def _soiled(table: Table, changes: Mapping[str, _Change], draw: Generator) -> tuple[Table, dict[str, tuple[int, ...]]]:
    """The table with dirty rows appended, and their numbers by kind."""
    each = max(1, round(len(table) * DIRT_SHARE))
    # no row is copied twice, unless the table is too small for that
    picked = np.resize(draw.permutation(len(table)), each * len(changes))
    copies = Table({header: column[picked] for header, column in table.columns.items()}).rows()
    appended: list[tuple[Any, ...]] = []
    found: dict[str, tuple[int, ...]] = {}
    for kind, change in changes.items():
        first = len(table) + len(appended) + 1
        found[kind] = tuple(range(first, first + each))
        for number, line in enumerate(found[kind]):
            row = next(copies)
            fresh = {header: f"{row[header][0]}{line:06d}" for header in list(row)[:2]}
            appended.append(tuple({**row, **fresh, **change(row, number)}.values()))
    return replace(table, appended=tuple(appended)), found
