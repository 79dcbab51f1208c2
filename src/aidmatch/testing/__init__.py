"""Contract suites: what a good plug-in keeps to, as tests that its author runs.

Being a good source, distance, rule or solver means passing the suite of its kind. Its author subclasses the suite, says
how the plug-in is made, and runs pytest, with nothing to configure:

    from aidmatch.testing import SourceContract
    from yours import Office

    class TestOffice(SourceContract):
        named = "office:county"

        def source(self):
            return Office("county")

        def missing(self):
            return Office("no-such-office")

        def expected(self):
            return [{"code": "371501", "lat": 36.5, "lon": 115.9}]

**Every check must run.** Each suite states in `CHECKS` how many checks each of its versions has. After the last of
them it says how many ran, and fails if any that is not exempted did not: if it was overridden, set to None,
deselected, or skipped by what the author's own code says. Checks marked xfail do not pass. A class that pytest is told
to skip shows as skipped, and says nothing. A selection (``pytest -k``) therefore ends in an error that says so; what it
shows of the selected checks holds, but the suite is not passed. With pytest-xdist, keep a class together:
``--dist loadscope``.

**Exemptions carry reasons.** ``exemptions = {"test_it_can_be_named": "made in code only"}`` leaves a check out, and the
report shows it as skipped, with the reason. One without a reason, or of a check that there is not, is an error.

**Versions.** ``suite_version = 1`` is what the plug-in was written against. Checks that a later version adds are
skipped until the author raises it, so that a new release of this library breaks nobody's tests. An unknown version is
an error.

Install it with ``pip install 'aidmatch[testing]'``.
"""

from aidmatch.testing.contract import Contract, check
from aidmatch.testing.distance import DistanceContract
from aidmatch.testing.rule import RuleContract
from aidmatch.testing.solver import SolverContract
from aidmatch.testing.source import SourceContract

__all__ = ["Contract", "DistanceContract", "RuleContract", "SolverContract", "SourceContract", "check"]
