"""Names of the clouds that a command can be told to use; apart from the clients, which take time to import."""

from enum import StrEnum


class TargetName(StrEnum):
    """Where to run."""

    LOCAL = "local"
    """The embedded cloud of a state folder."""
    AWS = "aws"
