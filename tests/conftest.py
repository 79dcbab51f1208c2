"""What every test may use."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# `--hypothesis-profile=long` runs the sweeps ten times as long
for profile in ("ordinary", "long"):
    settings.register_profile(
        profile, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
settings.load_profile("ordinary")


@pytest.fixture(scope="session")
def published() -> Path:
    """Published instances with known optima, which stand outside the project."""
    folder = os.environ.get("AIDMATCH_DATA")
    if folder is None:
        pytest.skip("AIDMATCH_DATA is not set: no published instances to test with")
    return Path(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything a test needs is there, so that a skipped test is a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("AIDMATCH_CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
