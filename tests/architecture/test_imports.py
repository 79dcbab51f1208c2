"""Imports point one way: the reading order of the modules is their import order."""

import ast
import subprocess
import sys
from pathlib import Path

import aidmatch

SOURCE = Path(aidmatch.__file__).parent

#: From the ground up. A module may import only what stands above it, or its own package.
ORDER = [
    "_version",
    "errors",
    "arrays",
    "report",
    "plugins",
    "progress",
    "coordinates",
    "output",
    "fields",
    "place",
    "records",
    "accrual",
    "sources",
    "distance",
    "policy",
    "pair_costs",
    "levels",
    "rules",
    "problem",
    "program",
    "integer_program",
    "certificate",
    "integer_certificate",
    "matching",
    "funding",
    "backlog",
    "export",
    "formulation",
    "solvers",
    "engine",
    "integer_check",
    "verification",
    "explanation",
    "pipeline",
    "tradeoffs",
    "synthetic",
    "testing",
    "__init__",
]

#: Below the waist nobody knows a record, a problem or a result.
BELOW = {"pair_costs", "program", "integer_program", "certificate", "solvers", "engine"}
ABOVE = {"report", "fields", "place", "records", "sources", "policy", "levels", "rules", "problem", "matching"}

#: Only for a type checker's eyes.
TYPING_ONLY = {("errors", "report")}


def module_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports() -> set[tuple[str, str]]:
    """Pairs of a module and a module it imports, by their first names below the package."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: a relative import"
                names = [node.module or ""]
                if node.module == "aidmatch":
                    names = [f"aidmatch.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                if name.startswith("aidmatch."):
                    found.add((module_of(path), name.split(".")[1]))
    return {(one, other) for one, other in found if one != other} - TYPING_ONLY


def test_every_module_has_its_place_in_the_order() -> None:
    assert {module_of(path) for path in SOURCE.rglob("*.py")} == set(ORDER)


def test_imports_point_one_way() -> None:
    wrong = {(one, other) for one, other in imports() if ORDER.index(other) > ORDER.index(one)}
    assert not wrong


def test_the_check_imports_nothing_of_the_solving_side() -> None:
    targets = {other for one, other in imports() if one == "verification"}
    assert targets
    assert not targets & {"formulation", "engine", "solvers", "program", "pipeline"}
    # nor does anything it imports
    reached, fresh = set(targets), set(targets)
    while fresh:
        fresh = {other for one, other in imports() if one in fresh} - reached
        reached |= fresh
    assert not reached & {"formulation", "engine", "solvers", "program", "pipeline"}


def test_below_the_waist_nobody_knows_a_record() -> None:
    assert not {(one, other) for one, other in imports() if one in BELOW and other in ABOVE}


def test_a_cold_import_loads_no_solver_no_scipy_no_pandas() -> None:
    script = (
        "import sys, aidmatch; "
        "heavy = {'pylmcf', 'scipy', 'pandas', 'ortools', 'networkx', 'highspy', 'hypothesis', 'pytest', 'tqdm'}; "
        "heavy |= {'narwhals', 'pyarrow', 'python_calamine'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
