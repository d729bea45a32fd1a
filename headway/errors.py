"""Problems that the person at the terminal can mend: one line, exit code 2, no traceback.

Modules below keep errors of their own; `mendable` turns them into this one at the edge of a command.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageProblem(Exception):  # noqa: N818 - it is the user's, not the program's error
    """The message says what is wrong and how to mend it."""


@contextmanager
def mendable() -> Iterator[None]:
    """Turn what the embedded cloud, the configuration, the synth and the stacks raise into a UsageProblem."""
    from headway_cdk.configuration import ConfigurationError

    from headway.cloud.errors import CloudError
    from headway.deployment.stack import NotDeployed
    from headway.deployment.synthesis import SynthesisFailed
    from headway.run.errors import RunError
    from headway.simulator.keys import KeysUnreadableError
    from headway.simulator.server import PortInUse

    mendable_errors = (
        CloudError,
        ConfigurationError,
        KeysUnreadableError,
        NotDeployed,
        PortInUse,
        RunError,
        SynthesisFailed,
    )
    try:
        yield
    except mendable_errors as error:
        raise UsageProblem(str(error)) from error
