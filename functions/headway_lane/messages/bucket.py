"""The claim checks of a running function, in the bucket that the stack bound to its environment."""

from functools import cache

from headway_lane.messages.claim import Claims
from headway_lane.runtime import aws
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting


@cache
def claims() -> Claims:
    """Return this worker's claim checks."""
    return Claims(aws.s3(), setting(Environment.CLAIMS_BUCKET))
