"""How a suite counts its checks, leaves some out with a reason, and fails if fewer ran than it states."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, ClassVar, TypeVar, cast

from aidmatch.plugins import from_extra

with from_extra("testing"):
    import pytest

__all__ = ["Contract", "check"]

F = TypeVar("F", bound=Callable[..., None])


def check(since: int = 1) -> Callable[[F], F]:
    """Mark a method as a check of its suite.

    Parameters
    ----------
    since
        The version of the suite from which on it counts.

    Returns
    -------
    A decorator for methods named ``test_…``.
    """

    def marked(function: F) -> F:
        @functools.wraps(function)
        def run(self: Contract, *arguments: Any, **named: Any) -> None:
            name = function.__name__
            if since > self.suite_version:
                pytest.skip(f"counts from version {since} of the suite on; this plug-in keeps to {self.suite_version}")
            if name in self.exemptions:
                pytest.skip(f"exempted: {self.exemptions[name]}")
            try:
                function(self, *arguments, **named)
            except pytest.skip.Exception:
                raise  # skipped by what the author's own code says, so that it did not run
            except BaseException:
                type(self)._ran.add(name)
                raise
            type(self)._ran.add(name)

        vars(run)["since"] = since
        return cast("F", run)

    return marked


class Contract:
    """What every suite does; plug-in authors subclass one of the suites, not this.

    Attributes
    ----------
    suite_version
        The version of the suite that the plug-in was written against.
    exemptions
        Reasons, by name of the check that is left out.
    CHECKS
        How many checks each version of the suite has.
    """

    CHECKS: ClassVar[Mapping[int, int]]
    suite_version: ClassVar[int] = 1
    exemptions: ClassVar[Mapping[str, str]] = {}
    _ran: ClassVar[set[str]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._ran = set()

    @classmethod
    def _suite(cls) -> type[Contract]:
        return next(kind for kind in cls.__mro__ if "CHECKS" in vars(kind))

    @classmethod
    def stated(cls) -> dict[str, int]:
        """The suite's checks, and the version from which on each counts."""
        suite = cls._suite()
        return {name: vars(value)["since"] for name, value in vars(suite).items() if hasattr(value, "since")}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def every_check_runs(cls, request: pytest.FixtureRequest) -> Iterator[None]:
        """Refuse a class that says impossible things, and one whose checks did not all run."""
        checks = cls.stated()
        if cls.suite_version not in cls.CHECKS:
            pytest.fail(f"suite_version {cls.suite_version}: known are {', '.join(map(str, cls.CHECKS))}")
        for name, reason in cls.exemptions.items():
            if name not in checks:
                pytest.fail(f"exemptions name {name!r}, which is no check of this suite")
            if not isinstance(reason, str) or not reason.strip():
                pytest.fail(f"the exemption of {name!r} has no reason")
        if any(mark.name == "xfail" for mark in request.node.iter_markers()):
            pytest.fail("a class whose checks may fail passes nothing; exemptions give reasons")
        cls._ran.clear()
        yield
        due = {name for name, since in checks.items() if since <= cls.suite_version and name not in cls.exemptions}
        # a check that the author replaced is not the suite's, whatever it is decorated with
        ran = {name for name in due & cls._ran if getattr(cls, name) is vars(cls._suite())[name]}
        count = f"{cls.__name__}: {len(ran)} of {cls.CHECKS[cls.suite_version]} checks"
        _say(request, f"{count}, {len(cls.exemptions)} exempted")
        if ran != due:
            missing = ", ".join(sorted(due - ran))
            pytest.fail(f"{count} ran, so the suite is not passed; not run: {missing}")


def _say(request: pytest.FixtureRequest, words: str) -> None:
    """Write a line to the terminal, past what captures the output of tests."""
    plugins = request.config.pluginmanager
    terminal, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if terminal is not None:
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            terminal.write_line(f"\n{words}")
