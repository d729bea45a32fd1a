"""The one way to a deployment: `local` is the embedded cloud of a state folder, `aws` is AWS.

In: the name of a target and where to look. Out: a Connection, which every command, end-to-end test and benchmark uses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from headway.cloud import process
from headway.cloud.state import CloudState
from headway.deployment.places import STATE_DIR
from headway.deployment.projects import stage_here
from headway.deployment.stage import DeployedStage
from headway.deployment.target import AwsTarget, LocalTarget, Target
from headway.deployment.target_name import TargetName
from headway.errors import NotReachable, NotRunning


@dataclass(frozen=True, slots=True)
class Connection:
    """A cloud by its name, the way to its API, and what is deployed there; `cloud` is the embedded one's process, None
    on AWS.
    """

    name: str
    target: Target
    stage: DeployedStage
    cloud: CloudState | None = None

    @property
    def endpoint_url(self) -> str | None:
        """Where the embedded cloud listens; None on AWS."""
        return self.cloud.endpoint_url if self.cloud else None


def connect(
    name: str = TargetName.LOCAL,
    *,
    profile: str | None = None,
    region: str | None = None,
    state_dir: Path = STATE_DIR,
    stage: str | None = None,
) -> Connection:
    """Find what is deployed of a stage, which is that of the project here unless given.

    Raises NotRunning, NotDeployed or NotReachable, whose messages say what to do.
    """
    stage = stage or stage_here()
    target, cloud = reach(name, profile=profile, region=region, state_dir=state_dir)
    with _asking(name):
        return Connection(TargetName(name), target, DeployedStage.found(target, stage), cloud)


def reach(
    name: str = TargetName.LOCAL, *, profile: str | None = None, region: str | None = None, state_dir: Path = STATE_DIR
) -> tuple[Target, CloudState | None]:
    """Return the way to a cloud, whatever is deployed there, and the embedded one's process; None for AWS.

    Raises NotRunning or NotReachable.
    """
    if name == TargetName.LOCAL:
        cloud = process.status(state_dir)
        if cloud is None:
            raise NotRunning(f"no embedded cloud runs in {state_dir}: run `headway up` first")
        return LocalTarget(cloud.endpoint_url), cloud
    with _asking(name):
        target = AwsTarget(profile, region)
    if not target.region:
        raise NotReachable("no AWS region: give --region, or set AWS_REGION")
    return target, None


@contextmanager
def _asking(name: str) -> Iterator[None]:
    """Turn what AWS does not answer into a problem of the person at the terminal; the embedded cloud's is a defect."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if name == TargetName.LOCAL:
            raise
        raise NotReachable(f"AWS cannot be asked: {' '.join(str(error).split())}") from error
