"""What the ledger takes, by what is done with it."""

from typing import Final

from headway_lane.runtime.needs import Resource, may

RECORDING_CALLS: Final = may(Resource.CALLS, "dynamodb:PutItem", "dynamodb:UpdateItem")
MOVING_CALLS: Final = may(Resource.CALLS, "dynamodb:GetItem", "dynamodb:UpdateItem")
FINDING_CALLS: Final = may(Resource.CALLS_BY_EXECUTION, "dynamodb:Query")
JOINING_JOBS: Final = may(Resource.JOBS, "dynamodb:UpdateItem")
READING_ANSWERS: Final = may(Resource.JOBS, "dynamodb:GetItem")
