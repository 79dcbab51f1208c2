"""How fast, beside what one would write without the library; `python -m benchmarks`."""
