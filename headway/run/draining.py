"""A lane that is drained gets no new calls: a run is not begun."""

from collections.abc import Set as AbstractSet

from botocore.exceptions import BotoCoreError, ClientError
from headway_cdk.names import DISPATCHING_PARAMETER, Dispatching, parameter

from headway.deployment.connection import Connection
from headway.errors import RunRefused


def refuse_drained(connection: Connection, vendors: AbstractSet[str]) -> None:
    """Raise RunRefused where one of the vendors is being drained; a paused one only lets calls wait."""
    client = connection.target.client("ssm")
    for vendor in sorted(vendors):
        name = parameter(connection.stage.name, vendor, DISPATCHING_PARAMETER)
        try:
            found = client.get_parameters(Names=[name])["Parameters"]  # none: a lane of an older version
        except (BotoCoreError, ClientError) as error:
            words = " ".join(str(error).split())
            raise RunRefused(f"the cloud does not say whether {vendor} is drained: {words}") from error
        if found and found[0]["Value"] == Dispatching.DRAINING:
            raise RunRefused(f"{vendor} is drained, and starts nothing new: `headway resume {vendor}` first")
