"""What an attempt has told its turns is written down at its end, and nothing of the attempt is lost by that write."""

from botocore.exceptions import BotoCoreError, ClientError

from headway_lane.limiter.turn import Turns
from headway_lane.runtime.observability import logger


def reported(turns: Turns, **of: str) -> None:
    """Report to the table, and log of what it was where the table cannot be written: the next one tells again."""
    try:
        turns.report()
    except (BotoCoreError, ClientError) as error:
        logger().warning("turns not reported", error_type=type(error).__name__, extra=of)
