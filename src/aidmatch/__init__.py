"""Decides who gets what, from whom: needs to donations, exactly, explainably, recomputably.

import aidmatch as am

needs = am.read("needs.csv", am.Need)
donations = am.read("donations.csv", am.Donation)
problem = am.GivingProblem(needs, donations, as_of=date(2017, 6, 1))
matching = am.solve(problem, policy=am.Policy.giving(max_km=30))
am.verify(problem, matching)
"""

import logging

from aidmatch._version import __version__
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.pair_table import PairTable
from aidmatch.distance.protocol import Distance
from aidmatch.errors import (
    AidMatchError,
    InputError,
    NumberRangeError,
    PluginError,
    PolicyError,
    ProblemError,
    RowsError,
    SolverError,
    SourceError,
    VerificationError,
)
from aidmatch.explanation.verdict import explain
from aidmatch.matching import Assignment, Matching, Status
from aidmatch.pipeline import solve
from aidmatch.place import Place, Places
from aidmatch.policy import Policy
from aidmatch.problem.care import CareProblem
from aidmatch.problem.giving import GivingProblem
from aidmatch.records.care import Caregiver, Client, Pair
from aidmatch.records.case import Gate
from aidmatch.records.decision import Decision
from aidmatch.records.giving import Donation, Need, PairCost
from aidmatch.report import Fault, Report
from aidmatch.rules.protocol import Rule
from aidmatch.sources.reading import Records, read
from aidmatch.sources.table import Row, Source
from aidmatch.verification.check import verify

__all__ = [
    "AidMatchError",
    "Assignment",
    "CareProblem",
    "Caregiver",
    "Client",
    "Decision",
    "Distance",
    "Donation",
    "Fault",
    "Gate",
    "GivingProblem",
    "GreatCircle",
    "InputError",
    "Matching",
    "Need",
    "NumberRangeError",
    "Pair",
    "PairCost",
    "PairTable",
    "Place",
    "Places",
    "PluginError",
    "Policy",
    "PolicyError",
    "ProblemError",
    "Records",
    "Report",
    "Row",
    "RowsError",
    "Rule",
    "SolverError",
    "Source",
    "SourceError",
    "Status",
    "VerificationError",
    "__version__",
    "explain",
    "read",
    "solve",
    "verify",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
