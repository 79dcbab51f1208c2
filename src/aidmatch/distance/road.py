"""Metres along a road network: shortest paths between the nodes that places are nearest to."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Floats, Ints
from aidmatch.distance.great_circle import EARTH_RADIUS
from aidmatch.distance.protocol import UNREACHABLE
from aidmatch.errors import InputError
from aidmatch.place import Places
from aidmatch.plugins import from_extra

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Road"]

#: Lengths are kept in whole millimetres, whose sums are exact in a float, whatever their order.
_MM: Final = 1000
_LONGEST: Final = 2**40
#: Bytes of shortest paths that are kept, and that are asked for in one go.
_KEPT, _AT_ONCE = 256 * 2**20, 32 * 2**20
#: How much fewer nodes the side with more nodes must ask for, to be the one that is asked.
_OTHER_SIDE: Final = 8
#: Stands for no way, where lengths are kept as 32 bits.
_NO_WAY: Final = 2**32 - 1
#: Against rounding of the great circle, where the bound is taken.
_SAFETY: Final = 1e-9


Lengths = npt.NDArray[np.uint32] | npt.NDArray[np.float64]


@final
class Road:
    """Metres along a graph of roads, from the origin to its nearest node, along the roads, and on to the destination.

    Parameters
    ----------
    graph
        A networkx graph of any kind. Edges of a directed graph lead one way, those of an undirected one both; of
        parallel edges the shortest counts. It is read once and not kept.
    weight
        The edges' attribute with their length in metres.
    lat, lon
        The nodes' attributes with their degrees, WGS-84; OSMnx calls them ``y`` and ``x``.
    limit_km
        Pairs farther apart are out of reach, and are not searched for; None for no limit.
    max_snap_m
        Places farther from every node are out of reach of all others; None for no limit.

    Raises
    ------
    InputError
        ``BAD_GRAPH`` if it has no node, a node without degrees, or an edge without a length from 0; ``BAD_METRES`` for
        a limit that is no number above 0.
    PluginError
        ``MISSING_EXTRA`` if networkx is not installed.

    Notes
    -----
    Shortest paths from one node to all others are Dijkstra's (SciPy's, for many nodes at once, with the limit), and are
    kept up to 256 MB. Edges are rounded up to millimetres and so is the way to the nearest node; the sum of all is
    rounded half up to metres. The same point is 0 metres from itself. Where there is no way, it is `UNREACHABLE`.

    ``least_metres`` is computed and not assumed: the least ratio of an edge's length to the great circle between its
    ends, or 1 if that is less. It bounds every pair by the triangle inequality, since the ways to and from the nearest
    nodes are great circles. One edge that is too short for its ends, of length 0 say, lowers it for all.
    """

    needs_points: ClassVar[bool] = True

    def __init__(
        self,
        graph: nx.Graph[Any],
        *,
        weight: str = "length",
        lat: str = "lat",
        lon: str = "lon",
        limit_km: float | None = None,
        max_snap_m: float | None = None,
    ) -> None:
        with from_extra("roads"):
            import networkx as nx
        if not isinstance(graph, nx.Graph):
            raise InputError(f"a {type(graph).__name__} is no networkx graph", code="BAD_GRAPH")
        self._limit = _millimetres(limit_km, 1000 * _MM, "limit_km")
        self._max_snap = _millimetres(max_snap_m, _MM, "max_snap_m")
        degrees = _degrees_of(graph, lat, lon)
        # by where they are, so that the order in which the graph was made does not matter
        nodes = sorted(degrees, key=lambda node: (*degrees[node], _name(node)))
        row_of = {node: row for row, node in enumerate(nodes)}
        self._degrees = np.array([degrees[node] for node in nodes], dtype=np.float64)
        tails, heads, lengths = _edges_of(graph, row_of, weight)
        self._from, self._to, self._length = _shortest_each(tails, heads, lengths, len(row_of))
        self._vectors = _vectors(*self._degrees.T)
        straight = _apart(self._vectors[:, self._from], self._vectors[:, self._to])
        longer = self._length[straight > 0] / straight[straight > 0]
        #: no two places are nearer than so many times their great-circle metres, less one
        self.least_metres = min(1.0, float(longer.min(initial=1.0)) * (1 - _SAFETY))
        self.name = f"road:{self._digest()}"
        self._build()

    def __repr__(self) -> str:
        return f"<Road: {self._degrees.shape[0]:,} nodes, {len(self._length):,} edges>"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for built in ("_tree", "_graphs", "_paths", "_bytes", "_seen"):
            del state[built]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._build()

    def metres(self, origins: Places, destinations: Places) -> Ints:
        """Measure from each origin to the destination in the same row.

        Parameters
        ----------
        origins, destinations
            Equally many places, all with points.

        Returns
        -------
        Whole metres, one a row; `UNREACHABLE` where there is no way within the limits.
        """
        (start, to_start), (end, to_end) = self._snapped(origins), self._snapped(destinations)
        total = self._between(start, end) + to_start + to_end
        total[(to_start > self._max_snap) | (to_end > self._max_snap) | (total > self._limit)] = math.inf
        total[(origins.lat == destinations.lat) & (origins.lon == destinations.lon)] = 0
        there = np.isfinite(total)
        metres = np.full(len(total), UNREACHABLE, dtype=np.int64)
        metres[there] = (total[there].astype(np.int64) + _MM // 2) // _MM
        return metres

    def labels(self, places: Places) -> Ints:
        """Number places so that equal numbers mean equal points."""
        return np.unique(_as_one(places), return_inverse=True)[1].astype(np.int64)

    def snap_metres(self, places: Places) -> Floats:
        """How far each place is from its nearest node.

        Parameters
        ----------
        places
            Places with points.

        Returns
        -------
        Metres, as floats; worth a look before a graph is trusted.
        """
        return self._snapped(places)[1] / _MM

    def _build(self) -> None:
        """Make what is not pickled."""
        with from_extra("roads"):
            from scipy.sparse import csr_array
            from scipy.spatial import cKDTree
        size = len(self._degrees)
        self._tree = cKDTree(self._vectors.T)
        there = csr_array((self._length, (self._from, self._to)), shape=(size, size))
        self._graphs = there, csr_array((self._length, (self._to, self._from)), shape=(size, size))
        self._paths: OrderedDict[tuple[bool, int], Lengths] = OrderedDict()
        self._bytes = 0
        self._seen = np.zeros((2, size), dtype=np.bool_)

    def _digest(self) -> str:
        hashed = hashlib.sha256(repr((self._limit, self._max_snap)).encode())
        for column in (self._degrees, self._from, self._to, self._length):
            hashed.update(np.ascontiguousarray(column).tobytes())
        return hashed.hexdigest()[:12]

    def _snapped(self, places: Places) -> tuple[Ints, Floats]:
        """Nearest node of each place, and millimetres to it, rounded up."""
        points, at = np.unique(_as_one(places), return_inverse=True)
        vectors = _vectors(points.real, points.imag)
        _, node = self._tree.query(vectors.T)
        away = np.ceil(_apart(vectors, self._vectors[:, node]) - 1e-3)
        return np.asarray(node, dtype=np.int64)[at], np.maximum(away, 0)[at]

    def _between(self, start: Ints, end: Ints) -> Floats:
        """Millimetres along the roads, searched from the starts, or from the ends along edges turned round."""
        total = np.full(len(start), math.inf)
        asked = []
        for turned, nodes in ((False, np.unique(start)), (True, np.unique(end))):
            self._seen[int(turned), nodes] = True
            missing = sum((turned, node) not in self._paths for node in nodes.tolist())
            # one side's paths serve every later call, if it is always the same: the one with fewer nodes
            few = self._seen[int(turned)].sum() <= self._seen[1 - int(turned)].sum()
            asked.append(missing if few else _OTHER_SIDE * missing)
        turned = asked[1] < asked[0]
        here, there = (end, start) if turned else (start, end)
        order = np.argsort(here, kind="stable")
        nodes, begins = np.unique(here[order], return_index=True)
        ends_at = np.append(begins[1:], len(order))
        step = max(1, _AT_ONCE // (8 * len(self._degrees)))
        for first in range(0, len(nodes), step):
            some = nodes[first : first + step].tolist()
            paths = self._paths_from(some, turned)
            for node, begin, stop in zip(
                some, begins[first : first + step].tolist(), ends_at[first : first + step].tolist(), strict=True
            ):
                rows = order[begin:stop]
                total[rows] = _large(paths[node][there[rows]])
        return total

    def _paths_from(self, nodes: list[int], turned: bool) -> dict[int, Lengths]:
        """Millimetres from each of some nodes to every node, or to it, if turned; those asked for last are kept."""
        from scipy.sparse.csgraph import dijkstra

        found = {node: self._paths[turned, node] for node in nodes if (turned, node) in self._paths}
        asked = [node for node in nodes if node not in found]
        if asked:
            lengths = dijkstra(self._graphs[turned], directed=True, indices=asked, limit=self._limit)
            found.update(zip(asked, map(_small, lengths), strict=True))
        for node in nodes:
            if (turned, node) not in self._paths:
                self._paths[turned, node] = found[node]
                self._bytes += found[node].nbytes
            self._paths.move_to_end((turned, node))
        while self._bytes > _KEPT:
            self._bytes -= self._paths.popitem(last=False)[1].nbytes
        return found


def _small(lengths: Floats) -> Lengths:
    """The same in half the bytes, if they are shorter than four thousand kilometres; what is infinite, as no number."""
    there = np.isfinite(lengths)
    if lengths.max(initial=0, where=there) < _NO_WAY:
        return np.where(there, lengths, _NO_WAY).astype(np.uint32)
    return lengths.copy()


def _large(lengths: Lengths) -> Floats:
    """Lengths as they were."""
    if lengths.dtype == np.float64:
        return lengths.astype(np.float64)
    return np.where(lengths == _NO_WAY, math.inf, lengths.astype(np.float64))


def _millimetres(limit: float | None, unit: int, name: str) -> float:
    if limit is None:
        return math.inf
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < math.inf:
        raise InputError(f"{name} is a number above 0, or None", code="BAD_METRES")
    return float(math.floor(limit * unit))


def _name(node: object) -> str:
    return f"{type(node).__name__} {node}"


def _degrees_of(graph: Any, lat: str, lon: str) -> dict[Any, tuple[float, float]]:
    """Latitude and longitude of every node."""
    degrees = {}
    for node, facts in graph.nodes(data=True):
        north, east = facts.get(lat), facts.get(lon)
        if not (_is_number(north) and _is_number(east) and abs(north) <= 90 and abs(east) <= 180):
            raise InputError(f"node {node!r} has no degrees as {lat!r} and {lon!r}", code="BAD_GRAPH")
        degrees[node] = float(north), float(east)
    if not degrees:
        raise InputError("the graph has no node", code="BAD_GRAPH")
    return degrees


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _edges_of(graph: Any, row_of: dict[Any, int], weight: str) -> tuple[Ints, Ints, Floats]:
    """Ends and millimetres of every edge, both ways where it leads both ways."""
    tails, heads, lengths = [], [], []
    for tail, head, length in graph.edges(data=weight):
        if not _is_number(length) or not 0 <= length < _LONGEST:
            raise InputError(f"edge {tail!r} to {head!r} has no {weight!r} from 0 metres", code="BAD_GRAPH")
        tails.append(row_of[tail])
        heads.append(row_of[head])
        lengths.append(float(math.ceil(length * _MM - 1e-3)))
    one, other = np.array(tails, dtype=np.int64), np.array(heads, dtype=np.int64)
    millimetres = np.array(lengths, dtype=np.float64)
    if graph.is_directed():
        return one, other, millimetres
    return np.concatenate([one, other]), np.concatenate([other, one]), np.concatenate([millimetres, millimetres])


def _shortest_each(tails: Ints, heads: Ints, lengths: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """The shortest edge of each two nodes, without loops, sorted by ends."""
    order = np.lexsort((lengths, heads, tails))
    tails, heads, lengths = tails[order], heads[order], lengths[order]
    _, first = np.unique(tails * max(size, 1) + heads, return_index=True)
    first = first[tails[first] != heads[first]]
    return tails[first], heads[first], lengths[first]


def _as_one(places: Places) -> npt.NDArray[np.complex128]:
    """Points as one number each, which sorts faster than two."""
    return np.stack([places.lat, places.lon], axis=1).view(np.complex128)[:, 0]


def _vectors(lat: Floats, lon: Floats) -> Floats:
    """Unit vectors, shape (3, points)."""
    north, east = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


def _apart(one: Floats, other: Floats) -> Floats:
    """Millimetres along the sphere between unit vectors."""
    half_chord = np.sqrt(((one - other) ** 2).sum(axis=0)) / 2
    return np.asarray(2 * EARTH_RADIUS * _MM * np.arcsin(np.minimum(half_chord, 1.0)))
