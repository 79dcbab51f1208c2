"""Every example runs as it stands, from anywhere, with warnings as errors, and says what it is there to show."""

import csv
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import aidmatch as am
from aidmatch import synthetic

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PRINT_ONLY = {"assign_caregivers.py", "explain_to_family.py", "hours_and_wholes.py", "new_caregiver.py", "override.py"}
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))


def run(script: str, *arguments: Path, cwd: Path, temporary: Path | None = None) -> str:
    """What an example prints; it must end well and complain of nothing."""
    environment = os.environ | ({} if temporary is None else dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)))
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", EXAMPLES / script, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return ran.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_every_example_is_run_here() -> None:
    tested = re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text(encoding="utf-8"))
    assert sorted(set(tested)) == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_example_is_short_and_says_what_it_shows(script: str) -> None:
    text = (EXAMPLES / script).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert text.startswith('"""')


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script != "match_city.py"])
def test_an_example_without_arguments_writes_into_a_temporary_folder_only(script: str, tmp_path: Path) -> None:
    before = files(EXAMPLES)
    cwd, temporary = tmp_path / "cwd", tmp_path / "temporary"
    cwd.mkdir()
    temporary.mkdir()
    run(script, cwd=cwd, temporary=temporary)
    assert not files(cwd)
    assert bool(files(temporary)) == (script not in PRINT_ONLY)
    assert files(EXAMPLES) == before


def test_match_city_prints_what_the_readme_says(tmp_path: Path) -> None:
    printed = run("match_city.py", tmp_path / "city", cwd=tmp_path)
    (promised,) = re.findall(r"^```text\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert promised in printed
    written = {path.name for path in files(tmp_path)}
    assert written >= {"needs.csv", "donations.csv", "clients.csv", "caregivers.csv"}
    for family in ("giving", "care"):
        assert written >= {
            f"{family}{end}" for end in (".json", "_assignments.csv", "_assignments.json", "_summary.txt")
        }
    matching = am.Matching.load(tmp_path / "city" / "giving.json")
    assert len(rows(tmp_path / "city" / "giving_assignments.csv")) == len(matching.assignments)
    assert f"\n{matching.summary()}\n" in printed


def test_match_city_writes_into_the_working_directory_without_arguments(tmp_path: Path) -> None:
    run("match_city.py", cwd=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"city"}


def test_from_csv_reports_the_bad_rows_and_matches_the_good_ones(tmp_path: Path) -> None:
    printed = run("from_csv.py", tmp_path / "out", cwd=tmp_path)
    for fault in (
        "platform_needs.csv line 5, column '数量' [NOT_AN_INTEGER]",
        "platform_needs.csv line 9, column '纬度' [OUT_OF_RANGE]",
        "platform_needs.csv line 12, column '审批状态' [MISSING]",
        "platform_needs.csv line 13 [DUPLICATE_ROW]",
        "platform_donations.csv line 6, column '有效期至' [NOT_A_DATE]",
    ):
        assert fault in printed
    assert "platform_needs.csv: 12 rows read, 8 kept" in printed
    assert "Matching OPTIMAL, decided for 2017-06-01" in printed
    assert "not part of the decision: 1 needs OBJECTED" in printed
    written = rows(tmp_path / "out" / "result.csv")
    given = {(row["demand_id"], row["supply_id"]): int(row["quantity"]) for row in written}
    # worked out by hand: JZ-04 serves category A alone, JZ-06 has left, JZ-05 has no valid date
    assert given == {
        ("XQ-001", "JZ-01"): 2,
        ("XQ-002", "JZ-02"): 1,
        ("XQ-003", "JZ-03"): 1,
        ("XQ-003", "JZ-04"): 2,
        ("XQ-005", "JZ-03"): 2,
        ("XQ-007", "JZ-03"): 1,
    }


def test_own_distance_is_the_one_that_decides(tmp_path: Path) -> None:
    printed = run("own_distance.py", tmp_path / "out", cwd=tmp_path)
    assert printed.count("OPTIMAL, verified") == 2
    county = synthetic.county()
    needs = {need.id: need.place for need in am.read(county, am.Need)}
    lots = {lot.id: lot.place for lot in am.read(county, am.Donation)}
    written = rows(tmp_path / "out" / "roads-and-river.csv")
    sides = set()
    for row in written:
        origin, destination = lots[row["supply_id"]], needs[row["demand_id"]]
        straight = int(am.GreatCircle().metres(am.Places([origin]), am.Places([destination]))[0])
        assert origin.lon is not None
        assert destination.lon is not None
        across = (origin.lon < 116) != (destination.lon < 116)
        sides.add(across)
        assert int(row["metres"]) == straight * 13 // 10 + (9_000 if across else 0) <= 25_000
    assert sides == {True, False}


def test_own_pairs_are_the_only_ones(tmp_path: Path) -> None:
    printed = run("own_pairs.py", tmp_path / "out", cwd=tmp_path)
    # by hand: 35 + 2 x 20 + 5 minutes; the other way round, N2 from L1, it is 3 x 20 + 55
    assert printed.splitlines()[:4] == [
        "L1 -> N1: 1 piece(s), 35 minutes each",
        "L2 -> N1: 2 piece(s), 20 minutes each",
        "L2 -> N2: 1 piece(s), 5 minutes each",
        "N3 goes without 1: OUT_OF_REACH",
    ]
    assert [row["cost_unit"] for row in rows(tmp_path / "out" / "result.csv")] == ["minute"] * 3


def test_verify_result_shows_each_refusal_by_its_code(tmp_path: Path) -> None:
    printed = run("verify_result.py", tmp_path / "out", cwd=tmp_path)
    said = dict(line.split(": ", 1) for line in printed.splitlines())
    assert said.pop("the saved matching").endswith("the optimum proven")
    assert {what: answer.split(":")[0] for what, answer in said.items()} == {
        "an edited file": "REFUSED as ALTERED",
        "a changed answer": "REFUSED as UNMET",
        "other tables": "REFUSED as OTHER_INPUT",
    }
    toy = synthetic.toy()
    tables = [tmp_path / "out" / f"{name}.csv" for name in ("needs", "donations")]
    problem = am.GivingProblem(am.read(tables[0], am.Need), am.read(tables[1], am.Donation), as_of=toy.as_of)
    am.verify(problem, am.Matching.load(tmp_path / "out" / "matching.json"))
    assert toy.as_of == date(2017, 6, 1)


def test_a_review_keeps_as_many_pairs_as_the_coverage_allows(tmp_path: Path) -> None:
    printed = run("assign_caregivers.py", cwd=tmp_path)
    kept, most = re.findall(r"^(\d+) of them are kept, and (\d+) is the most", printed, re.MULTILINE)[0]
    assert int(kept) == int(most) > 400
    assert "unmet: 0 units of 0 clients" in printed


def test_an_override_is_honoured_and_a_contradiction_refused(tmp_path: Path) -> None:
    printed = run("override.py", cwd=tmp_path)
    before, after = (line.split()[1:] for line in printed.splitlines()[:2])
    (pinned,) = re.findall(r"(\S+) \(pinned\)", printed)
    assert pinned not in before
    assert pinned in after
    assert before[-1] not in after
    assert "refused before solving: [PIN_CONFLICT]" in printed


def test_a_new_caregiver_moves_nobody(tmp_path: Path) -> None:
    printed = run("new_caregiver.py", cwd=tmp_path)
    (newcomer, over, new), *_ = re.findall(r"(\w+) joins; (\d+) pairs are over, (\d+) are new", printed)
    assert (over, new) == ("0", "1")
    assert f"→ {newcomer}" in printed


def test_a_family_hears_no_other_name(tmp_path: Path) -> None:
    printed = run("explain_to_family.py", cwd=tmp_path)
    assert re.findall(r"^== \w+: (\w+)$", printed, re.MULTILINE) == ["SERVED", "USED_UP"]
    told = [line for line in printed.splitlines() if line.startswith(("家庭", "family"))]
    assert len(told) == 4
    assert not [line for line in told if re.search(r"[NL]\d{6}", line)]
    assert "Nearest alternative: L" in printed


def test_hours_and_wholes_are_decided_and_proven(tmp_path: Path) -> None:
    said = run("hours_and_wholes.py", cwd=tmp_path)
    assert "decided as integer because of 2 supplies with a limit of what they carry; 2 minimum loads" in said
    assert "L1 sends 25 kg to N0" in said
    assert "coverage A 50 certified 50 claimed None multipliers" in said


def test_the_round_trip_writes_once_and_lists_what_changed(tmp_path: Path) -> None:
    printed = run("sqlite_round_trip.py", tmp_path / "out", cwd=tmp_path)
    first, second, stale = printed.splitlines()
    written, already, changed = map(int, re.findall(r"\d+", first))
    assert (already, changed >= 1, written > 500) == (0, True, True)
    assert second == f"second: 0 written, {written} already there, {changed} stale"
    assert re.fullmatch(r"stale: \('L\w+', 'NOT_OPEN'\)", stale)
    back = am.read(f"sqlite:{tmp_path / 'out' / 'platform.db'}#needs", am.Need, errors="keep")
    assert {fault.code for fault in back.report.refused} == {"OUT_OF_RANGE"}  # nothing is left to be needed
