"""Why a run ends before its lines do. Both are exit code 2, and the message is one line for the person at the terminal.

RunError
├── RunRefused   nothing was started: mend what the message names
└── CloudLost    what was started goes on: the same command takes it up
"""

# ruff: noqa: N818 - names that say what happened, as `raise CloudLost` does


class RunError(Exception):
    """The run cannot go on."""


class RunRefused(RunError):
    """The command, a file or the cloud does not fit; nothing was started."""


class CloudLost(RunError):
    """The cloud does not answer any more, or refuses to."""
