"""pylmcf: the network simplex of LEMON."""

from __future__ import annotations

from aidmatch._version import version_of
from aidmatch.solvers.network import Network, NetworkFlow

__all__ = ["NetworkSimplex"]


class NetworkSimplex:
    """LEMON's primal network simplex through pylmcf.

    Notes
    -----
    P. Kovács, Minimum-cost flow algorithms: an experimental evaluation, Optimization Methods and Software 30 (2015).
    Its total cost wraps silently near 2^59 and is never asked for.
    """

    name = "pylmcf"

    @property
    def version(self) -> str:
        """Version of the installed distribution."""
        return version_of("pylmcf")

    def min_cost_flow(self, network: Network) -> NetworkFlow:
        """Solve a network.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As pylmcf raises them.
        """
        from pylmcf import Graph  # heavy: a compiled module

        graph = Graph(len(network.balance), network.tail, network.head)
        graph.set_node_supply(network.balance)
        graph.set_edge_capacities(network.capacity)
        graph.set_edge_costs(network.cost)
        graph.solve()
        return NetworkFlow(graph.result(), graph.potentials())
