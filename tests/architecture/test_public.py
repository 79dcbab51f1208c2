"""Every public name is exported and documented; every public error pickles; nothing is said that is private."""

import inspect
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest

import aidmatch as am
from aidmatch import errors

PUBLIC = [name for name in am.__all__ if not name.startswith("__")]


def test_the_public_names_are_few_and_sorted() -> None:
    assert len(am.__all__) <= 40
    assert am.__all__ == sorted(am.__all__)


def test_everything_can_be_imported_at_once() -> None:
    names: dict[str, object] = {}
    exec("from aidmatch import *", names)  # noqa: S102  # the star import itself is what is tested
    assert set(am.__all__) <= set(names)


def test_nothing_public_is_left_out() -> None:
    visible = {name for name, thing in vars(am).items() if not name.startswith("_") and not inspect.ismodule(thing)}
    assert visible == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name: str) -> None:
    thing = getattr(am, name)
    assert inspect.getdoc(thing)
    members = vars(thing).items() if inspect.isclass(thing) else ()
    for member, value in members:
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not member.startswith("_") and inspect.isfunction(function):
            assert inspect.getdoc(function), f"{name}.{member}"
            body = inspect.getdoc(function) or ""
            takes = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
            if takes and name != "Rule":
                assert "Parameters" in body or takes == ["fields"], f"{name}.{member} leaves its parameters out"


def test_no_public_function_shares_a_modules_name() -> None:
    modules = {path.stem for path in Path(am.__file__).parent.rglob("*.py")}
    assert not {name for name in PUBLIC if inspect.isfunction(getattr(am, name))} & modules


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_pickles(name: str) -> None:
    kind: Any = getattr(am, name)
    error: am.AidMatchError
    if kind is am.RowsError:
        fault = am.Fault("needs.csv", 3, "lat", "OUT_OF_RANGE", "should be at most 90")
        error = kind(am.Report("needs.csv", 5, 4, (fault,)))
    elif kind is am.SolverError:
        error = kind("flow is not conserved", solver="liar", code="SOLVER_INFEASIBLE")
    else:
        error = kind("what is wrong", code="WHY")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.args == error.args


def test_every_error_has_one_root_and_a_code() -> None:
    for name in errors.__all__:
        kind = getattr(am, name)
        assert issubclass(kind, am.AidMatchError)
        assert kind.default_code.isupper()


def test_the_logger_keeps_quiet() -> None:
    handlers = logging.getLogger("aidmatch").handlers
    assert [type(handler) for handler in handlers] == [logging.NullHandler]
