"""Environment variables by which commands tell the CDK app what to draw; apart from it: cheap to read."""

from typing import Final

CONFIGURATION_VARIABLE: Final = "HEADWAY_CONFIGURATION"
"""A folder of contract and tuning files, in the place of the project of the working directory."""
STAGE_VARIABLE: Final = "HEADWAY_STAGE"
"""The stage, where it is not the project's own."""
