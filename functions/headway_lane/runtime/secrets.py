"""Secrets of a running function, from Secrets Manager through Powertools, which keeps each for a while."""

from typing import Final

from aws_lambda_powertools.utilities import parameters

SECRET_MAX_AGE_S: Final = 300
"""A rotated secret is in use within this many seconds."""


def secret(arn: str) -> str:
    """Return the text of a secret, no older than SECRET_MAX_AGE_S. GetParameterError where it cannot be read."""
    return str(parameters.get_secret(arn, max_age=SECRET_MAX_AGE_S))
