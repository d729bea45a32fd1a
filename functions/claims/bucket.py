"""The claim checks of a running function, in the bucket that the stack bound to its environment."""

from functools import cache

from functions import aws
from functions.claims.claim import Claims
from functions.names import Environment
from functions.settings import setting


@cache
def claims() -> Claims:
    """Return this worker's claim checks."""
    return Claims(aws.s3(), setting(Environment.CLAIMS_BUCKET))
