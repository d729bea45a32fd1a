"""The one way to a deployment: `local` is the embedded cloud of a state folder, `aws` is AWS.

In: the name of a target and where to look. Out: a Connection, which every command, end-to-end test and benchmark uses.
"""

from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from headway.cloud import process
from headway.cloud.state import CloudState
from headway.deployment.places import STATE_DIR
from headway.deployment.stack import Stack
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
    stack: Stack
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
) -> Connection:
    """Find what is deployed. Raises NotRunning, NotDeployed or NotReachable, whose messages say what to do."""
    return _local(state_dir) if name == TargetName.LOCAL else _aws(profile, region)


def _local(state_dir: Path) -> Connection:
    cloud = process.status(state_dir)
    if cloud is None:
        raise NotRunning(f"no embedded cloud runs in {state_dir}: run `headway up` first")
    return Connection(TargetName.LOCAL, LocalTarget(cloud.endpoint_url), Stack.of_embedded_cloud(state_dir), cloud)


def _aws(profile: str | None, region: str | None) -> Connection:
    try:
        target = AwsTarget(profile, region)
        if not target.region:
            raise NotReachable("no AWS region: give --region, or set AWS_REGION")
        return Connection(TargetName.AWS, target, Stack.of_aws(target))
    except (BotoCoreError, ClientError) as error:
        raise NotReachable(f"AWS cannot be asked: {' '.join(str(error).split())}") from error
