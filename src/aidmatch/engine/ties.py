"""Ties: of all answers that are equally good at every level, the one that a keyed lottery draws.

First a ticket on demands decides who is served, then a hash of the two keys
which pair carries it, over every pair that any optimal answer could use, and
on those answers alone. Interchangeable supplies count as one. Who holds the
key of the lottery can recompute it; rows, workers and solvers have no say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Ints, Keys
from aidmatch.certificate import lexicographic_sign
from aidmatch.engine.components import BATCH, Tally, batches, part_of, solved_by_first
from aidmatch.engine.levels import Face, ProvenFlow, Run, in_runs
from aidmatch.engine.options import Options
from aidmatch.program import Costs, Program
from aidmatch.solvers.network import FlowSolver

__all__ = ["Tied", "draw"]

#: Bits of a pair's hash: few enough for every solver's arithmetic, enough for equal sums to be rare.
_BITS: Final = 24
#: Lotteries to hold before giving up.
_SALTS: Final = 8
_TICKET, _HASH = Run(0, (1,)), Run(1, (1,))


@dataclass(frozen=True, slots=True)
class Tied:
    """The drawn flow.

    Parameters
    ----------
    flow
        Flow on each arc of the program.
    unique
        Whether it is proven that no other flow would have been drawn.
    """

    flow: Ints
    unique: bool


def draw(
    program: Program,
    face: Face,
    keys: tuple[Keys, Keys],
    solvers: Sequence[FlowSolver],
    options: Options,
    tally: Tally,
) -> Tied:
    """Draw one of the flows of an optimal face.

    Parameters
    ----------
    program
        Nodes and arcs; its levels are not looked at.
    face
        The flows to choose from.
    keys
        Of demands and of supplies, uint64.
    solvers, options, tally
        As in `solve_components`.

    Returns
    -------
    One flow, and whether it is proven to be the only one.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solved_by_first`.
    """
    # among equal keys the lottery cannot choose; then it is found to be no lottery below
    ticket = 1 + np.unique(keys[0], return_inverse=True)[1].astype(np.int64)
    flow = face.fixed.copy()
    unique = True
    on_face = np.zeros(len(program.demand_of), dtype=np.bool_)
    on_face[face.arcs] = True
    open_program = Program(
        *_less(program, face.fixed), program.demand_of[face.arcs], program.supply_of[face.arcs], (), program.limit
    )
    hashes = _hashes(keys, open_program, 0)
    drawn = np.zeros(len(face.arcs), dtype=np.int64)
    for demands, supplies, arcs, _ in batches(open_program, BATCH if options.decomposition else None):
        part = part_of(open_program, demands, supplies, arcs)
        may_miss, may_idle = face.may_miss[demands], face.may_idle[supplies]
        # one of these is drawn again with other salts, if it must be
        one = _draw_part(part, may_miss, may_idle, ticket[demands], hashes[arcs], solvers, tally)
        for salt in range(1, _SALTS):
            if one.unique:
                break
            again = _hashes(keys, open_program, salt)[arcs]
            one = _draw_part(part, may_miss, may_idle, ticket[demands], again, solvers, tally)
        drawn[arcs] = one.flow
        unique &= one.unique
    flow[face.arcs] += drawn
    return Tied(flow, unique)


def _less(program: Program, fixed: Ints) -> tuple[Ints, Ints]:
    """Demand and supply without what is fixed."""
    demand, supply = program.demand.copy(), program.supply.copy()
    full = np.flatnonzero(fixed)
    np.subtract.at(demand, program.demand_of[full], fixed[full])
    np.subtract.at(supply, program.supply_of[full], fixed[full])
    return demand, supply


def _hashes(keys: tuple[Keys, Keys], program: Program, salt: int) -> Ints:
    """A number from 1 to 2^24 for each arc.

    Notes
    -----
    The finalizer of SplitMix64: G. L. Steele, D. Lea and C. H. Flood, Fast splittable pseudorandom number generators,
    OOPSLA 2014. The keys are hashed by then; this only mixes two of them.
    """
    mixed = keys[0][program.demand_of] + np.uint64(0x9E3779B97F4A7C15 * (salt + 1) % 2**64)
    for of_arc in (None, keys[1][program.supply_of]):
        mixed = mixed if of_arc is None else mixed ^ of_arc
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return 1 + (mixed >> np.uint64(64 - _BITS)).astype(np.int64)


def _draw_part(
    program: Program,
    may_miss: Bools,
    may_idle: Bools,
    ticket: Ints,
    hashes: Ints,
    solvers: Sequence[FlowSolver],
    tally: Tally,
) -> Tied:
    tickets = np.where(may_miss, ticket, 0)
    levels = (Costs(tickets, None), Costs(None, hashes))
    program = Program(program.demand, program.supply, program.demand_of, program.supply_of, levels, program.limit)
    arcs = len(program.demand_of)
    face = Face(np.arange(arcs), np.zeros(arcs, dtype=np.int64), may_miss, may_idle)
    answer = solved_by_first(solvers, partial(_in_both, program, face), tally)
    return Tied(answer.flow, _unique(program, face, answer, tickets, hashes))


def _in_both(program: Program, face: Face, solver: FlowSolver) -> ProvenFlow:
    return in_runs(program, [_TICKET, _HASH], solver, face)


def _unique(program: Program, face: Face, answer: ProvenFlow, tickets: Ints, hashes: Ints) -> bool:
    """Whether no other flow of the face is as good at both levels.

    Another one would differ by a cycle of arcs that can change at no cost. Arcs that can change both ways make one if
    they are no forest; with those contracted, arcs that can change one way make one if they are not acyclic.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, m = len(program.demand), len(program.supply)
    hub = n + m
    reduced = [-answer.u[0][program.demand_of] - answer.v[0][program.supply_of]]
    reduced.append(hashes - answer.u[1][program.demand_of] - answer.v[1][program.supply_of])
    open_ = lexicographic_sign(np.stack(reduced)) == 0
    unused = program.supply - _sums(program.supply_of, answer.flow, m)
    unmet = np.stack([tickets, np.zeros(n, dtype=np.int64)])
    misses = np.flatnonzero(face.may_miss & (unmet == answer.u).all(axis=0))
    idles = np.flatnonzero(face.may_idle & (answer.v == 0).all(axis=0))
    tail = np.concatenate([program.demand_of[open_], misses, np.full(len(idles), hub)])
    head = np.concatenate([n + program.supply_of[open_], np.full(len(misses), hub), n + idles])
    flow = np.concatenate([answer.flow[open_], answer.left[misses], unused[idles]])
    most = np.full(len(flow), np.iinfo(np.int64).max)
    if program.limit is not None:
        most[: int(open_.sum())] = program.limit
    more, less = flow < most, flow > 0
    both = more & less
    size = n + m + 1
    ones = np.ones(len(tail), dtype=np.int8)
    count, label = connected_components(coo_array((ones[both], (tail[both], head[both])), (size, size)), directed=False)
    if int(both.sum()) != size - count:
        return False
    one_way = more ^ less
    begin = label[np.where(more, tail, head)[one_way]]
    end = label[np.where(more, head, tail)[one_way]]
    if (begin == end).any():
        return False
    strong, _ = connected_components(
        coo_array((ones[: len(begin)], (begin, end)), (count, count)), directed=True, connection="strong"
    )
    return bool(strong == count)


def _sums(rows: Ints, flow: Ints, size: int) -> Ints:
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, rows, flow)
    return sums
