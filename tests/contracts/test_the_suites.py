"""The suites themselves: each check can fail, and a class that leaves checks out does not pass."""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from aidmatch.testing import DistanceContract, RuleContract, SolverContract, SourceContract

SUITES = (DistanceContract, RuleContract, SolverContract, SourceContract)

#: Plug-ins that each break what one check asks. The class's name is the check's; what a plug-in's fault breaks besides
#: is exempted.
BROKEN = """
import numpy as np
import aidmatch as am
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.solvers.network import NetworkFlow
from aidmatch.solvers.simplex import NetworkSimplex
from aidmatch.sources.csv_files import CsvFile
from aidmatch.testing import DistanceContract, RuleContract, SolverContract, SourceContract

ROWS = [{"a": "1", "b": "2"}, {"a": "3"}]

class Good:
    name = "good"
    def rows(self, table):
        yield from (am.Row(n, dict(row)) for n, row in enumerate(ROWS, start=1))

class Missing:
    def rows(self, table):
        raise am.SourceError("there is none", code="NOT_FOUND")

class OfSource(SourceContract):
    named = "csv:good.csv"
    made = Good
    def source(self): return self.made()
    def expected(self): return ROWS
    def missing(self): return Missing()

class Test__it_is_a_source(OfSource):
    class made(Good): name = " "
class Test__rows_are_rows_or_mappings(OfSource):
    class made(Good):
        def rows(self, table):
            yield from (list(row) for row in ROWS)
    exemptions = {name: "no rows" for name in SourceContract.stated() if name != "test_rows_are_rows_or_mappings"}
class Test__rows_are_the_expected_ones(OfSource):
    def expected(self): return [ROWS[0], {"a": "4"}]
    exemptions = {"test_the_library_reads_it": "reads the others, too"}
class Test__rows_come_the_same_again(OfSource):
    class made(Good):
        again = 0
        def rows(self, table):
            self.again += 1
            return [am.Row(n + self.again, row) for n, row in enumerate(ROWS)]
class Test__lines_count_from_one_and_never_back(OfSource):
    class made(Good):
        def rows(self, table): return [am.Row(2 - n, row) for n, row in enumerate(ROWS)]
class Test__headers_are_text(OfSource):
    class made(Good):
        def rows(self, table): return [am.Row(n, {**row, 7: None}) for n, row in enumerate(ROWS, 1)]
    exemptions = {"test_the_library_reads_it": "a header that is no text is unknown"}
class Test__declared_columns_are_those_of_the_rows(OfSource):
    class made(Good): columns = ("a", "c", "b", "c")
    exemptions = {"test_the_library_reads_it": "a column twice is unknown"}
class Test__two_readers_do_not_disturb_each_other(OfSource):
    class made(Good):
        def __init__(self): self.left = []
        def rows(self, table):
            self.left = [am.Row(n, row) for n, row in enumerate(ROWS, 1)]
            while self.left: yield self.left.pop(0)
class Test__a_reader_who_stops_leaves_nothing_open(OfSource):
    class made(Good):
        def rows(self, table):
            file = open("good.csv")
            yield from Good().rows(table)
            file.close()
class Test__what_is_not_there_is_a_source_error(OfSource):
    def missing(self): return Good()
class Test__the_library_reads_it(OfSource):
    named = "csv:other.csv"

class OfDistance(DistanceContract):
    made = GreatCircle
    def distance(self): return self.made()

BESIDE, WORKER = "test_a_pair_is_as_far_whatever_stands_beside_it", "test_it_can_be_sent_to_a_worker"
DECIDED = "test_a_decision_by_it_is_verified"
def line(o, d): return GreatCircle().metres(o, d)

class Nameless:
    name = 7
    def metres(self, o, d): return line(o, d)
class Test__it_has_a_name(OfDistance):
    made = Nameless
    exemptions = {"test_a_decision_by_it_is_verified": "solve asks for a name, too"}
class Floats:
    name = "own"
    def metres(self, o, d): return line(o, d) + 0.5
class Test__metres_are_int64_one_a_row(OfDistance):
    made = Floats
    exemptions = {"test_a_decision_by_it_is_verified": "solve asks for integers, too"}
class Negative:
    name = "own"
    def metres(self, o, d): return line(o, d) - 1
class Test__metres_are_neither_negative_nor_beyond_counting(OfDistance):
    made = Negative
    exemptions = {"test_a_decision_by_it_is_verified": "solve asks for none below zero, too"}
class NoneAtAll:
    name = "own"
    def metres(self, o, d): return line(o, d) if len(o) else np.zeros(1, dtype=np.int64)
class Test__no_rows_are_no_metres(OfDistance): made = NoneAtAll
class Relative:
    name = "own"
    def metres(self, o, d): return line(o, d) + len(o) % 7
class Test__a_pair_is_as_far_whatever_stands_beside_it(OfDistance):
    made = Relative
    exemptions = {"test_a_decision_by_it_is_verified": "is found out there, too"}
class Moody:
    name = "own"
    calls = 0
    def metres(self, o, d):
        Moody.calls += 1
        return line(o, d) + Moody.calls
class Test__it_measures_the_same_again(OfDistance):
    made = Moody
    exemptions = {name: "so does this" for name in (BESIDE, WORKER, DECIDED)}
class Reusing:
    name = "own"
    def __init__(self): self.first = None
    def metres(self, o, d):
        if self.first is None: self.first = line(o, d); return self.first
        if 1 < len(o) < 100: self.first += 1
        return line(o, d)
class Test__what_it_gave_stays_as_it_was(OfDistance):
    made = Reusing
    exemptions = {name: "so does this" for name in (BESIDE, DECIDED)}
class Local:
    name = "own"
    def __init__(self): self.measure = lambda o, d: line(o, d)
    def metres(self, o, d): return self.measure(o, d)
class Test__it_can_be_sent_to_a_worker(OfDistance): made = Local
class Hopeful:
    name, least_metres = "own", 1.5
    def metres(self, o, d): return line(o, d)
class Test__the_least_metres_that_it_declares_hold(OfDistance):
    made = Hopeful
    exemptions = {"test_a_decision_by_it_is_verified": "is found out there, too"}
class Lumping:
    name = "own"
    def metres(self, o, d): return line(o, d)
    def labels(self, places): return np.zeros(len(places), dtype=np.int64)
class Test__places_with_one_label_are_one_to_it(OfDistance):
    made = Lumping
    exemptions = {"test_a_decision_by_it_is_verified": "is found out there, too"}
class Rising:
    name = "own"
    def metres(self, o, d):
        if 300 < len(o) < 400: raise ValueError("never")
        return line(o, d)
class Test__a_decision_by_it_is_verified(OfDistance): made = Rising

class Thing:
    def __init__(self, kind): self.kind, self.id, self.asked = kind, str(kind), 0
class Even:
    name = "even"
    def reason(self, demand, supply): return None if demand.kind == supply.kind else "OTHER"
    def labels(self, demands, supplies):
        return tuple(np.array([one.kind for one in side], dtype=np.int64) for side in (demands, supplies))
class OfRule(RuleContract):
    made = Even
    def rule(self): return self.made()
    def demands(self): return self.things()[:6]
    def supplies(self): return self.things()[6:]
    def things(self):
        if not hasattr(self, "known"): self.known = [Thing(n % 3) for n in range(12)]
        return self.known
LABELS = (
    "test_pairs_with_the_same_labels_have_the_same_reason",
    "test_the_table_of_all_pairs_is_that_of_single_pairs",
    "test_the_order_of_records_does_not_matter",
)
class Test__it_has_a_name__rule(OfRule):
    class made(Even): name = None
class Test__reasons_are_codes(OfRule):
    class made(Even):
        def reason(self, d, s): return None if d.kind == s.kind else "they differ"
class Test__the_sample_shows_both_answers(OfRule):
    def things(self): return [Thing(1) for n in range(12)]
class Test__labels_are_one_int64_a_record(OfRule):
    class made(Even):
        def labels(self, d, s): return tuple(side.astype(np.int32) for side in Even().labels(d, s))
    exemptions = {name: "labels of another type are refused" for name in LABELS[1:]}
class Test__pairs_with_the_same_labels_have_the_same_reason(OfRule):
    class made(Even):
        def labels(self, d, s): return tuple(side * 0 for side in Even().labels(d, s))
    exemptions = {name: "follows from it" for name in LABELS[1:]}
class Test__the_table_of_all_pairs_is_that_of_single_pairs(OfRule):
    class made(Even):
        def labels(self, d, s):
            zeros = [np.zeros(len(side), dtype=np.int64) for side in (d, s)]
            return zeros if [x.kind for x in d] == [0, 1, 2, 0, 1, 2] else Even().labels(d, s)
    exemptions = {LABELS[0]: "so does this"}
class Test__the_order_of_records_does_not_matter(OfRule):
    class made(Even):
        def labels(self, d, s):
            zeros = [np.zeros(len(side), dtype=np.int64) for side in (d, s)]
            return zeros if len(d) and d[0].kind == 2 else Even().labels(d, s)
class Test__no_records_have_no_labels(OfRule):
    class made(Even):
        def labels(self, d, s): return Even().labels(d or [Thing(1)], s)
class Test__it_says_the_same_again(OfRule):
    class made(Even):
        def __init__(self): self.calls = 0
        def reason(self, d, s):
            self.calls += 1
            return Even().reason(d, s) if self.calls <= 36 else None
class Test__records_stay_as_they_are(OfRule):
    class made(Even):
        def reason(self, d, s):
            d.asked += 1
            return Even().reason(d, s)

class OfSolver(SolverContract):
    made = NetworkSimplex
    def solver(self): return self.made()
class Test__it_has_a_name_and_a_version(OfSolver):
    class made(NetworkSimplex): version = ""
    exemptions = {"test_it_can_be_sent_to_a_worker": "a class within a class"}
JUDGED = (
    "test_random_problems_are_solved_and_proven",
    "test_the_optimum_is_that_of_networkx",
    "test_large_numbers_are_exact_or_refused",
)
class Solver32(NetworkSimplex):
    def min_cost_flow(self, network):
        answer = super().min_cost_flow(network)
        return NetworkFlow(answer.flow.astype(np.int32), answer.potential)
class Test__answers_are_int64_one_an_arc_and_a_node(OfSolver):
    made = Solver32
    exemptions = {name: "refused there, too" for name in JUDGED}
class Shifted(NetworkSimplex):
    def min_cost_flow(self, network):
        answer = super().min_cost_flow(network)
        flow = answer.flow.copy()
        if len(network.tail) == 4 and network.cost.tolist() == [3, 10, 1, 7]: flow[:] = [3, 1, 2, 0]
        return NetworkFlow(flow, answer.potential)
class Test__a_problem_solved_by_hand_is_solved_alike(OfSolver): made = Shifted
class Unproven(NetworkSimplex):
    def min_cost_flow(self, network):
        answer = super().min_cost_flow(network)
        return NetworkFlow(answer.flow, answer.potential * 0)
class Test__random_problems_are_solved_and_proven(OfSolver):
    made = Unproven
    exemptions = {name: "refused there, too" for name in JUDGED[1:]}
class Test__the_optimum_is_that_of_networkx(OfSolver):
    made = Unproven
    exemptions = {name: "refused there, too" for name in (JUDGED[0], JUDGED[2])}
class Small(NetworkSimplex):
    def min_cost_flow(self, network):
        answer = super().min_cost_flow(network)
        large = np.abs(network.cost).max(initial=0) > 2**30
        return NetworkFlow(answer.flow, answer.potential % 2**30 if large else answer.potential)
class Test__large_numbers_are_exact_or_refused(OfSolver): made = Small
class Fickle(NetworkSimplex):
    calls = 0
    def min_cost_flow(self, network):
        answer = super().min_cost_flow(network)
        Fickle.calls += 1
        by_hand = network.cost.tolist() == [3, 10, 1, 7]
        return NetworkFlow(answer.flow + Fickle.calls if by_hand else answer.flow, answer.potential)
class Test__it_answers_the_same_again(OfSolver):
    made = Fickle
    exemptions = {name: "so does this" for name in ("test_a_problem_solved_by_hand_is_solved_alike", WORKER)}
class Writing(NetworkSimplex):
    def min_cost_flow(self, network):
        answer = super().min_cost_flow(network)
        if network.cost.flags.writeable: network.cost[:] = 0
        return answer
class Test__the_network_stays_as_it_is(OfSolver): made = Writing
class Open(NetworkSimplex):
    def __init__(self): self.handle = lambda: None
class Test__it_can_be_sent_to_a_worker__solver(OfSolver): made = Open
"""

CHEATING = """
import pytest
from aidmatch.solvers.simplex import NetworkSimplex
from aidmatch.testing import SolverContract, check

class Of(SolverContract):
    def solver(self): return NetworkSimplex()
class TestAll(Of): pass
class TestExempted(Of): exemptions = {"test_it_can_be_sent_to_a_worker": "runs here only"}
class TestOverridden(Of):
    def test_the_network_stays_as_it_is(self): pass
class TestTakenOut(Of): test_the_network_stays_as_it_is = None
class TestDecorated(Of):
    @check()
    def test_the_network_stays_as_it_is(self): pass
class TestSkipping(Of):
    def solver(self): pytest.skip("no server today")
@pytest.mark.xfail(strict=False)
class TestMayFail(Of): pass
class TestWithoutReason(Of): exemptions = {"test_it_can_be_sent_to_a_worker": " "}
class TestUnknownCheck(Of): exemptions = {"test_it_flies": "it does not"}
class TestUnknownVersion(Of): suite_version = 99
"""


def ran(folder: Path, text: str, *options: str) -> str:
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    (folder / "good.csv").write_text("a,b\n1,2\n3,\n", encoding="utf-8")
    (folder / "other.csv").write_text("a,b\n1,2\n4,\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        "--tb=line",
        *options,
        "test_it.py",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False).stdout


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Of each broken plug-in, the checks that failed."""
    found: dict[str, set[str]] = defaultdict(set)
    said = ran(tmp_path_factory.mktemp("broken"), BROKEN)
    for kind, check in re.findall(r"^(?:FAILED|ERROR) \S+::Test__(\w+)::(\w+)", said, re.MULTILINE):
        found[kind].add(check)
    return found


@pytest.mark.parametrize("check", sorted({name for suite in SUITES for name in suite.stated()}))
def test_every_check_fails_for_a_plug_in_that_breaks_it_and_for_no_other_reason(
    check: str, failed: dict[str, set[str]]
) -> None:
    word = check.removeprefix("test_")
    owners = [suite for suite in SUITES if check in suite.stated()]
    broken = [kind for kind in failed if kind.split("__")[0] == word]
    assert broken
    assert len(broken) <= len(owners)
    for kind in broken:
        assert failed[kind] == {check}


def test_suites_state_as_many_checks_as_they_have() -> None:
    for suite in SUITES:
        for version, count in suite.CHECKS.items():
            assert count == sum(since <= version for since in suite.stated().values())


def test_who_leaves_checks_out_does_not_pass(tmp_path: Path) -> None:
    said = ran(tmp_path, CHEATING)
    assert "TestAll: 9 of 9 checks, 0 exempted" in said
    assert "TestExempted: 8 of 9 checks, 1 exempted" in said
    assert "exempted: runs here only" in said
    bad = set(re.findall(r"^ERROR \S+::(Test\w+)::", said, re.MULTILINE))
    assert bad == {
        *("TestOverridden", "TestTakenOut", "TestDecorated", "TestSkipping"),
        *("TestWithoutReason", "TestUnknownCheck", "TestUnknownVersion"),
    }
    # an error in what sets up an expected failure is one, too: nothing of it passed
    assert not re.search(r"^(?:PASSED|XPASS) \S+::TestMayFail::", said, re.MULTILINE)
    assert "TestSkipping: 0 of 9 checks, 0 exempted" in said
    assert "8 of 9 checks ran, so the suite is not passed; not run: test_the_network_stays_as_it_is" in said
    assert "has no reason" in said
    assert "no check of this suite" in said
    assert "suite_version 99: known are 1" in said


def test_a_selection_is_not_the_suite(tmp_path: Path) -> None:
    said = ran(tmp_path, CHEATING, "-k", "TestAll and worker")
    assert "TestAll: 1 of 9 checks ran, so the suite is not passed" in said
