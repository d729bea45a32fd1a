"""Environment variables that set what a refusal leaves open; `process` hands them to the server."""

from typing import Final

DELIVERIES_VARIABLE: Final = "HEADWAY_SQS"
"""How inexact standard queues are (`_deliveries`)."""
ACCOUNT_VARIABLE: Final = "HEADWAY_LAMBDA_CONCURRENCY"
"""Concurrent executions of the account (`concurrency`)."""
VARIABLES: Final = (DELIVERIES_VARIABLE, ACCOUNT_VARIABLE)
