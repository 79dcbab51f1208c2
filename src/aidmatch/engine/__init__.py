"""How a market is decided: components, levels in strict order, and no trust in solvers."""
