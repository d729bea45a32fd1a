"""Stages of a deployment, such as `test` and `prod`: each has stacks of its own."""

from typing import Final

DEFAULT_STAGE: Final = "dev"
STAGE_PATTERN: Final = "^[a-z][a-z0-9]{0,11}$"
"""Short, because names of roles carry it (64 characters, IAM quotas); without hyphens, because vendors have them."""
