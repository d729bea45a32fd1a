"""What the person at the terminal can put right: one line on standard error, and an exit code. No traceback.

Problem
├── UsageProblem          an option or a file that was named is wrong: give another
├── ConfigurationRefused  a contract or tuning file cannot be used: correct the field that the message names
├── KeysUnreadable        the keys file of the state folder is broken: remove it
├── PortInUse             nothing was started: choose another port
├── CannotBePlayed        the simulator has not what a contract asks for
├── SynthesisFailed       the templates were not made
├── StartFailed           the embedded cloud did not start; nothing is left running
├── StopFailed            processes of the embedded cloud outlived SIGKILL
├── DeploymentFailed      the cloud runs, the stack does not: correct the template and deploy again
├── NotReachable          AWS cannot be asked
├── NotDeployed           there is no stack to talk to: deploy first
│   └── NotRunning        nor an embedded cloud
├── OperationRefused      an operation would break what a vendor sells, or was not agreed to: nothing was changed
├── RunRefused            a run was not begun: correct what the message names
└── CloudLost             a run was broken off; what was started goes on, and the same command takes it up

Nothing of the project is imported here: every folder raises these, and `cli.main` prints what nobody has caught. What
`headway_cdk` raises of a configuration becomes a ConfigurationRefused in `deployment.contracts`, and nowhere else.
"""

# ruff: noqa: N818 - names that say what happened, as `raise PortInUse` does


class Problem(Exception):
    """The message is one line: what is wrong, and what to do about it."""

    exit_code = 2
    """Of the command that it ends, unless the command says otherwise."""


class UsageProblem(Problem):
    """The command line names something that cannot be used."""


class ConfigurationRefused(Problem):
    """A configuration file cannot be used; the message names the file, the field and the correction."""


class KeysUnreadable(Problem):
    """The keys file exists but does not hold what it should; the message never quotes its content."""


class PortInUse(Problem):
    """Another process listens on the port that was asked for."""


class CannotBePlayed(Problem):
    """A contract asks for something that the simulator has not."""


class SynthesisFailed(Problem):
    """The CDK app could not be synthesized; the message is what it said last."""


class StartFailed(Problem):
    """The embedded cloud died or did not answer in time; the message ends with the end of its log."""


class StopFailed(Problem):
    """Processes of the embedded cloud outlived SIGKILL; the message has their pids."""


class DeploymentFailed(Problem):
    """A stack was refused or rolled back."""


class NotReachable(Problem):
    """AWS cannot be asked: no region, no credentials, no permission."""


class NotDeployed(Problem):
    """There is no stack to talk to."""


class NotRunning(NotDeployed):
    """No embedded cloud runs in the state folder."""


class OperationRefused(Problem):
    """The contract, the lane's numbers or AWS's validators have no room for it; nothing was changed."""


class RunRefused(Problem):
    """The command, a file or the cloud does not fit; nothing was started."""


class CloudLost(Problem):
    """The cloud does not answer any more, or refuses to."""
