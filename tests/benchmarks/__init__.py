"""How fast, how small: every figure of docs/performance.md. `python -m tests.benchmarks --help`."""
