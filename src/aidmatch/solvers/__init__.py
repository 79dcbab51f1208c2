"""Adapters of solvers, one a backend, behind one protocol."""
