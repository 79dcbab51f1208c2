"""Searches of integer programs by workers: the same answers, their share of the time, and their errors."""

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client, lot, need, place

import aidmatch as am
from aidmatch.engine.searching import Search, Searches, Steps
from aidmatch.errors import SolverError
from aidmatch.integer_program import IntegerLevel
from aidmatch.records.giving import Donor
from aidmatch.solvers.mip import Highs, MipAnswer

NOTHING = np.zeros(0, dtype=np.int64)


def care() -> am.CareProblem:
    """Six valleys, each with clients of several hours and caregivers who should have three of them."""
    rng = np.random.default_rng(4)
    clients, caregivers = [], []
    for valley in range(6):
        for k in range(9):
            spot = place(lat=36 + valley + float(rng.random()) / 99)
            minutes = int(rng.choice([60, 120, 180]))
            clients.append(client(f"c{valley}{k}", category="ABCD"[k % 4], place=spot, minutes_per_week=minutes))
        caregivers += [
            caregiver(
                f"g{valley}{k}",
                max_persons=5,
                min_persons=3,
                minutes_per_week=360,
                place=place(lat=36 + valley + float(rng.random()) / 99),
            )
            for k in range(4)
        ]
    return am.CareProblem(clients, caregivers, as_of=DAY)


def giving() -> am.GivingProblem:
    """Two valleys with donors of few shipments."""
    rng = np.random.default_rng(5)
    needs = [
        need(f"n{i}", int(rng.integers(1, 6)), whole=i % 3 == 0, category="ABCD"[i % 4], place=place(lat=36 + i % 2))
        for i in range(24)
    ]
    lots = [lot(f"d{j}", 6, min_lot=2, donor_id=f"x{j}", place=place(lat=36 + j % 2)) for j in range(8)]
    return am.GivingProblem(needs, lots, donors=[Donor(id=f"x{j}", max_shipments=2) for j in range(8)], as_of=DAY)


@contextmanager
def workers(kind: str) -> Iterator[Executor]:
    made: Executor
    made = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(2, mp_context=get_context(kind))
    with made:
        yield made


@pytest.mark.parametrize("kind", ["threads", "fork", "spawn"])
@pytest.mark.parametrize(
    ("problem", "policy"), [(care(), am.Policy.care(max_km=5)), (giving(), am.Policy.giving(max_km=50))]
)
def test_whoever_searches_the_answer_is_the_same(kind: str, problem: Any, policy: am.Policy) -> None:
    alone = am.solve(problem, policy=policy)
    assert alone.solving.method == "integer"
    with workers(kind) as executor:
        together = am.solve(problem, policy=policy, executor=executor)
    assert together.digest == alone.digest
    am.verify(problem, together)


def test_time_runs_out_with_workers_as_without() -> None:
    with workers("threads") as executor:
        matching = am.solve(care(), policy=am.Policy.care(max_km=5), executor=executor, time_limit=0.2)
    am.verify(care(), matching)


def test_a_solver_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(Highs())).version == Highs().version  # made here


class Noting:
    """A solver that notes the seconds it is given, and may raise."""

    name, version = "noting", "0"

    def __init__(self, raises: bool = False) -> None:
        self.seconds: list[float | None] = []
        self.threads: set[str] = set()
        self._raises = raises

    def relaxation(self, *_: Any) -> None:
        raise NotImplementedError  # a search asks for none

    def search(self, linear: Any, seconds: float | None, low: Any, high: Any, start: Any) -> MipAnswer:
        self.seconds.append(seconds)
        self.threads.add(threading.current_thread().name)
        if self._raises:
            raise SolverError("broke", solver=self.name, code="SOLVER_FAILED")
        return MipAnswer(None, 7, 0.0)


def asking(found: list[int | None], times: int) -> Any:
    def steps(seconds: float | None) -> Steps[None]:
        for _ in range(times):
            linear: Any = IntegerLevel(NOTHING, 0)
            found.append((yield Search(linear, seconds, NOTHING, NOTHING, NOTHING)).bound)

    return steps


def test_time_is_shared_by_size_and_small_ones_leave_the_rest() -> None:
    solver, found = Noting(), list[int | None]()
    Searches(solver, None).run([(30, asking(found, 1)), (10, asking(found, 2)), (1, asking(found, 0))], 41.0, lambda: 0)
    assert found == [7, 7, 7]
    assert solver.seconds == pytest.approx([20.5, 20.5, 41.0])


@pytest.mark.parametrize("sizes", [(5, 5), (3, 3, 3, 3, 3), (2, 3), (1, 9)])
def test_everybody_has_time_even_where_each_uses_all_of_it(sizes: tuple[int, ...]) -> None:
    now, given = [0.0], list[float]()

    def using(seconds: float | None) -> Steps[None]:
        assert seconds is not None
        given.append(seconds)
        now[0] += seconds
        yield from ()

    Searches(Noting(), None).run([(size, using) for size in sizes], 10.0, lambda: now[0])
    assert len(given) == len(sizes)
    assert sum(given) == pytest.approx(10.0)


def test_nothing_starts_when_time_is_over_and_without_a_limit_all_does() -> None:
    solver, found = Noting(), list[int | None]()
    Searches(solver, None).run([(1, asking(found, 1))] * 3, 0.0, lambda: 1.0)
    assert not found
    with workers("threads") as executor:
        searches = Searches(solver, executor)
        searches.run([(1, asking(found, 2))] * 3, None)
    assert (len(found), searches.solves) == (6, 6)
    assert solver.seconds == [None] * 6
    assert "MainThread" not in solver.threads


@pytest.mark.parametrize("kind", [None, "threads"])
def test_an_error_of_a_search_is_the_callers(kind: str | None) -> None:
    found = list[int | None]()
    starts = [(1, asking(found, 1))] * 5
    with nullcontext() if kind is None else workers(kind) as executor:
        searches = Searches(Noting(raises=True), executor)
        with pytest.raises(SolverError, match="broke"):
            searches.run(starts, None)
    assert not found
