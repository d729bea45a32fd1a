"""What a worker keeps between two invocations. Each thing is built at its first use, from the environment that the
stack bound: a function whose code does not ask for a thing needs none of its settings.

The way to the vendor is apart, in `way_out.py`: the functions that settle calls have to run without an HTTP client.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.store import Ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.messages.claim import Claims
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.messages.waiter import WaiterKind
from headway_lane.resume.durable_callback import DurableCallbacks
from headway_lane.resume.settlement import Settler
from headway_lane.resume.task_token import TaskTokens
from headway_lane.resume.waiters import EveryKind, Waiters
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient


def vendor() -> Vendor:
    """Return the contract of the vendor that this function is of, as it is now."""
    return profiles().vendor(setting(Environment.VENDOR))


def request_queue_urls() -> Sequence[str]:
    """Return the URLs of the vendor's request queues, the urgent one first."""
    return setting(Environment.REQUEST_QUEUE_URLS).split()


@cache
def step_functions() -> "SFNClient":
    """Return the Step Functions client."""
    return aws.step_functions()


@cache
def lambda_functions() -> "LambdaClient":
    """Return the Lambda client."""
    return aws.lambda_functions()


@cache
def sqs() -> "SQSClient":
    """Return the SQS client."""
    return aws.sqs()


@cache
def profiles() -> AppConfigProfiles:
    """Return contracts and tunings as AppConfig serves them."""
    return AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))


@cache
def calls() -> "Table":
    """Return the table of calls."""
    return aws.table(setting(Environment.CALLS_TABLE))


@cache
def ledger() -> Ledger:
    """Return the ledger."""
    return Ledger(
        calls=calls(),
        jobs=aws.table(setting(Environment.JOBS_TABLE)),
        epoch_ms=clock.epoch_ms,
    )


@cache
def waiters() -> Waiters:
    """Return the way to those who wait for calls."""
    return EveryKind(
        {
            WaiterKind.TASK_TOKEN: TaskTokens(step_functions()),
            WaiterKind.CALLBACK_ID: DurableCallbacks(lambda_functions),
        }
    )


@cache
def settler() -> Settler:
    """Return what settles calls, and gives their in-flight permits back."""
    return Settler(ledger(), waiters(), in_flight_tables.release)


@cache
def claims() -> Claims:
    """Return the claim checks."""
    return Claims(aws.s3(), setting(Environment.CLAIMS_BUCKET))


@cache
def results_queue() -> ResultsQueue:
    """Return the queue of what has to be found out about jobs."""
    return ResultsQueue(sqs(), setting(Environment.RESULTS_QUEUE_URL), clock.epoch_s)


@cache
def request_queues() -> RequestQueues:
    """Return the queues in which calls wait that cannot be made now."""
    return RequestQueues(sqs())
