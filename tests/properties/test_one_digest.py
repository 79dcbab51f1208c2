"""One answer whatever the order of rows, the workers, the executor, the hash seed or the backend."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from tests.instances import levels
from tests.profiles import examples

import aidmatch as am
from aidmatch import synthetic
from aidmatch.progress import Progress


def problem(order: int = 0) -> tuple[am.GivingProblem, am.Policy]:
    """The county's problem with its rows in some order."""
    made = synthetic.county()
    rng = np.random.default_rng(order)
    needs, lots = list(am.read(made, am.Need)), list(am.read(made, am.Donation))
    if order:
        needs = [needs[k] for k in rng.permutation(len(needs))]
        lots = [lots[k] for k in rng.permutation(len(lots))]
    return am.GivingProblem(needs, lots, as_of=made.as_of), am.Policy.giving(max_km=made.max_km)


ORDERS = range(1, 1 + examples(10))
TRUTH = am.solve(problem()[0], policy=problem()[1])


@contextmanager
def executor(kind: str, workers: int) -> Iterator[Executor | None]:
    if kind == "none":
        yield None
    elif kind == "thread":
        with ThreadPoolExecutor(workers) as pool:
            yield pool
    elif kind == "process":
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        from distributed import Client, LocalCluster

        with (
            LocalCluster(  # type: ignore[no-untyped-call]  # distributed has no types
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]  # the same
        ):
            yield client.get_executor()


@pytest.mark.parametrize("backend", ["pylmcf", "ortools"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["none", "thread", "process", "dask"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed")  # its own, about its own
def test_one_digest(kind: str, workers: int, backend: str) -> None:
    assert TRUTH.solving.ties_proven
    with executor(kind, workers) as pool:
        for order in ORDERS:
            given, policy = problem(order)
            matching = am.solve(given, policy=policy, solver=backend, executor=pool)
            assert (levels(matching), matching.digest, matching.run_id) == (
                levels(TRUTH),
                TRUTH.digest,
                TRUTH.run_id,
            ), (kind, workers, backend, order)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_no_hash_seed_has_a_say(hash_seed: str) -> None:
    script = (
        "import json, tests.conftest; from tests.properties.test_one_digest import TRUTH, problem; "
        "print(json.dumps([TRUTH.digest, list(TRUTH.reasons.items())]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [TRUTH.digest, [list(item) for item in TRUTH.reasons.items()]]


def test_another_seed_draws_another_answer_of_the_same_worth() -> None:
    given, policy = problem()
    other = am.solve(given, policy=policy.replace(seed="spring"))
    assert levels(other) == levels(TRUTH)
    assert other.digest != TRUTH.digest
    am.verify(given, other)


def test_an_executor_reports_its_markets_and_raises_what_a_solver_raises() -> None:
    given, policy = problem()
    seen: list[Progress] = []
    with ThreadPoolExecutor(2) as pool:
        am.solve(given, policy=policy, executor=pool, progress=seen.append)
        last = seen[-1]
        assert [one.markets_done for one in seen] == list(range(last.markets + 1))
        assert (last.pairs_done, last.gap, last.components) == (last.pairs, 0, TRUTH.solving.components)
        assert seen[0].gap > 0 == last.gap

        class Broken:
            name, version = "broken", "0"

            def min_cost_flow(self, network: Any) -> Any:
                raise ZeroDivisionError

        for progress in (None, seen.append):
            with pytest.raises(am.SolverError, match="ZeroDivisionError"):
                am.solve(given, policy=policy, executor=pool, solver=Broken(), progress=progress)
