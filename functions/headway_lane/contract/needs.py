"""What reading the contract and the operator's tuning takes."""

from typing import Final

from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import Resource, may, reads

_READ: Final = ("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration")

LANE: Final = reads(
    Environment.VENDOR,
    Environment.CALLS_TABLE,
    Environment.JOBS_TABLE,
    Environment.BUDGETS_TABLE,
    Environment.CONFIG_APPLICATION,
)
"""Where a function of a lane stands: every one of them is told."""
KNOWING_THE_CONTRACT: Final = may(Resource.CONTRACT, *_READ)
KNOWING_THE_TUNING: Final = may(Resource.TUNING, *_READ)
