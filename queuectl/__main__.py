"""`python -m queuectl`: the same as `python -m queuectl.cli`, and the program where an install has no script."""

from queuectl.cli import __main__  # noqa: F401 - importing it runs the command line
