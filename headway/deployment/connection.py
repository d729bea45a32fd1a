"""The one way to a deployment: `local` is the embedded cloud of a state folder, `aws` is AWS.

In: the name of a target and where to look. Out: a Connection, which every command, end-to-end test and benchmark uses.
"""

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
    return _local(state_dir, stage) if name == TargetName.LOCAL else _aws(profile, region, stage)


def _local(state_dir: Path, stage: str) -> Connection:
    cloud = process.status(state_dir)
    if cloud is None:
        raise NotRunning(f"no embedded cloud runs in {state_dir}: run `headway up` first")
    target = LocalTarget(cloud.endpoint_url)
    return Connection(TargetName.LOCAL, target, DeployedStage.found(target, stage), cloud)


def _aws(profile: str | None, region: str | None, stage: str) -> Connection:
    try:
        target = AwsTarget(profile, region)
        if not target.region:
            raise NotReachable("no AWS region: give --region, or set AWS_REGION")
        return Connection(TargetName.AWS, target, DeployedStage.found(target, stage))
    except (BotoCoreError, ClientError) as error:
        raise NotReachable(f"AWS cannot be asked: {' '.join(str(error).split())}") from error
