"""The built-in flow solvers keep to the suite that third parties run."""

from aidmatch.solvers.network import FlowSolver
from aidmatch.solvers.ortools_flow import OrtoolsFlow
from aidmatch.solvers.simplex import NetworkSimplex
from aidmatch.testing import SolverContract


class TestPylmcf(SolverContract):
    def solver(self) -> FlowSolver:
        return NetworkSimplex()


class TestOrtools(SolverContract):
    def solver(self) -> FlowSolver:
        return OrtoolsFlow()
