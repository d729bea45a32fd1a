"""The cloud a command talks to, by name: `local` is the embedded one of a state directory, `aws` is AWS."""

from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from headway.cloud import process
from headway.deployment.stack import NotDeployed, Stack
from headway.deployment.target import AwsTarget, LocalTarget, Target
from headway.run.errors import RunRefused

TARGETS = ("local", "aws")


@dataclass(frozen=True, slots=True)
class Connection:
    """A cloud, what is deployed there, and its name in TARGETS."""

    name: str
    target: Target
    stack: Stack


def connect(name: str, *, profile: str | None, region: str | None, state_dir: Path) -> Connection:
    """Find what is deployed. Raises NotDeployed or RunRefused, whose messages say what to do."""
    return _local(state_dir) if name == "local" else _aws(profile, region)


def _local(state_dir: Path) -> Connection:
    state = process.status(state_dir)
    if state is None:
        raise NotDeployed(f"no embedded cloud runs in {state_dir}: run `headway up` first")
    return Connection("local", LocalTarget(state.endpoint_url), Stack.local(state_dir))


def _aws(profile: str | None, region: str | None) -> Connection:
    try:
        target = AwsTarget(profile, region)
        if not target.region:
            raise RunRefused("no AWS region: give --region, or set AWS_REGION")
        return Connection("aws", target, Stack.aws(target))
    except (BotoCoreError, ClientError) as error:
        raise RunRefused(f"AWS cannot be asked: {' '.join(str(error).split())}") from error
