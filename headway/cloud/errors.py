"""What can go wrong with the embedded cloud, split by what to do next.

CloudError
├── PortInUse          nothing was started: choose another port
├── StartFailed        nothing is left running: the message carries the end of the log
├── StopFailed         processes outlived SIGKILL: the message carries their pids
└── DeploymentFailed   the cloud runs, the stack does not: mend the template and deploy again
"""

# ruff: noqa: N818 - names that say what happened, as `raise PortInUse` does


class CloudError(Exception):
    """The embedded cloud could not do what was asked; the message is for the person at the terminal."""


class PortInUse(CloudError):
    """Another process listens on the port that was asked for."""


class StartFailed(CloudError):
    """The process died or did not answer in time."""


class StopFailed(CloudError):
    """Processes of the embedded cloud outlived SIGKILL."""


class DeploymentFailed(CloudError):
    """A stack was refused or rolled back; the message is one line."""
