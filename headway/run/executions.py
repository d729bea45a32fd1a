"""Executions in Step Functions: started under names that cannot start twice, and described."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError
from headway_lane.messages import json_text
from headway_lane.messages.identity import CALL_VENDOR_STATE, CallSite, call_id_of, group_of
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from headway.deployment.run_names import NAME_PREFIX, execution_name
from headway.run.api_pace import ApiPace, ApiQuota, RunQuotas
from headway.run.lines import InputLine
from headway.run.surroundings import Surroundings
from headway.run.worklist import LineAttempt

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

T = TypeVar("T")

PATIENT_ATTEMPTS: Final = 12
"""With up to 5 s between them about half a minute: a full bucket of StartExecution refills in 10 s (its quotas)."""

SILENT_PART: Final = 4
"""One in so many descriptions at most is of an execution of which nothing says that it has ended."""

_THROTTLED: Final = frozenset({"ThrottlingException", "TooManyRequestsException", "ExecutionLimitExceeded"})
_PASSING: Final = _THROTTLED | {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "InternalServerError"}
_SHARED: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
        "UnrecognizedClientException",
    }
)
_GOES_ON: Final = frozenset({"RUNNING", "PENDING_REDRIVE"})
_UNNAMED: Final = {"TIMED_OUT": "States.Timeout", "ABORTED": "Execution.Aborted"}


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as Step Functions tells it; `output` is parsed JSON."""

    arn: str
    status: str
    started_epoch_ms: int
    finished_epoch_ms: int | None
    output: Any
    error: str | None
    cause: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status not in _GOES_ON

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status == "SUCCEEDED"


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that is under way, or was already when it was to be started; `found` then says how it stands."""

    arn: str
    attempt: int
    found: Execution | None = None


class Executions:
    """Step Functions, as far as a run needs it, and S3 for payloads that an input has no room for; safe to share
    between threads. Starts keep their pace by themselves; whoever calls `describe` asks `describes` before,
    and `silent_describes` where nothing says that the execution has ended.
    """

    def __init__(self, client: "SFNClient", s3: "S3Client", quotas: RunQuotas, surroundings: Surroundings) -> None:
        self._client = client
        self._s3 = s3
        self._sleep = surroundings.sleep
        self._starts = ApiPace(quotas.starts, surroundings.clock_s, surroundings.sleep)
        self.describes = ApiPace(quotas.describes, surroundings.clock_s, surroundings.sleep)
        silent = ApiQuota(quotas.describes.bucket_count // SILENT_PART, quotas.describes.refill_per_s / SILENT_PART)
        self.silent_describes = ApiPace(silent, surroundings.clock_s, surroundings.sleep)

    def check(self, machine_arn: str) -> None:
        """Raise what botocore raises where the state machine cannot be reached."""
        self._client.describe_state_machine(stateMachineArn=machine_arn)

    def running(self, machine_arn: str) -> set[str]:
        """Return the names of executions of runs that go on; one that has just begun may lack (the API reference)."""
        names: set[str] = set()
        ask = partial(self._client.list_executions, stateMachineArn=machine_arn, statusFilter="RUNNING")
        while True:
            page = self._patiently(partial(ask, maxResults=1_000))
            names |= {each["name"] for each in page["executions"] if each["name"].startswith(NAME_PREFIX)}
            if not page.get("nextToken"):
                return names
            ask = partial(ask, nextToken=page["nextToken"])

    def begin(self, machine_arn: str, attempt: LineAttempt, *, again: bool) -> Started:
        """Start an attempt, or take up what is there under its name or its predecessor's.

        With `again` an execution that has ended is passed over, one that goes on is not.
        """
        if (failed := attempt.failed) is not None:
            before = self._patiently(partial(self._describe_in_turn, failed))
            if before is not None and (before.succeeded or not before.ended):
                return Started(before.arn, attempt.number - 1, before)
        self._lay_down(attempt.line)
        number, execution_input = attempt.number, _input_of(machine_arn, attempt.line)
        while True:
            arn = execution_arn(machine_arn, execution_name(attempt.line.key, number))
            if self._start(machine_arn, arn, execution_input):
                return Started(arn, number)
            found = self._patiently(partial(self._describe_in_turn, arn))
            if found is None or not found.ended or not again:
                return Started(arn, number, found)
            number += 1

    def _lay_down(self, line: InputLine) -> None:
        """Put a payload where its claim check says, before anybody can ask for it."""
        if (claim := line.claim) is not None:
            put = partial(self._s3.put_object, Bucket=claim.bucket, Key=claim.key, ContentType="application/json")
            self._patiently(partial(put, Body=line.claimed))

    def describe(self, arn: str) -> Execution | None:
        """Return how an execution stands; None where there is none of that name."""
        try:
            return _execution(self._client.describe_execution(executionArn=arn))
        except ClientError as error:
            if code(error) == "ExecutionDoesNotExist":
                return None
            raise

    def _describe_in_turn(self, arn: str) -> Execution | None:
        self.describes.wait()
        return self.describe(arn)

    def _start(self, machine_arn: str, arn: str, execution_input: str) -> bool:
        """Start an execution; False where the name is taken."""
        name = arn.rsplit(":", 1)[1]

        def start() -> None:
            self._starts.wait()
            self._client.start_execution(stateMachineArn=machine_arn, name=name, input=execution_input)

        try:
            self._patiently(start)
        except ClientError as error:
            if code(error) == "ExecutionAlreadyExists":
                return False
            raise
        return True

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again while Step Functions throttles."""
        asking = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ClientError) and throttles(error)),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_after_attempt(PATIENT_ATTEMPTS),
            sleep=self._sleep,
            reraise=True,
        )
        return asking(ask)


def execution_arn(machine_arn: str, name: str) -> str:
    """Name the ARN that an execution of a state machine has."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def line_call_id(machine_arn: str, call_vendor_arn: str, key: str, tenant: str | None) -> str:
    """Return the call of a line in the ledger, which is the same for all of its attempts and redrives. Another machine
    than `call_vendor` has to hand its input's `call` on, as the example's does.
    """
    site = CallSite(call_vendor_arn, execution_arn(machine_arn, execution_name(key, 1)), CALL_VENDOR_STATE)
    return call_id_of(site, group_of(tenant, machine_arn.rpartition(":")[2]))


def _input_of(machine_arn: str, line: InputLine) -> str:
    """Return the input of a line's attempts. All say for which call they are: what the vendor has of it already is
    taken, and not asked for again; and the call is found in the ledger, whichever machine asks for it.
    """
    first = {"execution": execution_arn(machine_arn, execution_name(line.key, 1)), "state": CALL_VENDOR_STATE}
    return json_text.write({**json.loads(line.execution_input), "call": first})


def code(error: ClientError) -> str:
    """Return the error code of an AWS answer."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def throttles(error: ClientError) -> bool:
    """Whether Step Functions was asked too often."""
    return code(error) in _THROTTLED


def passes(error: ClientError) -> bool:
    """Whether the same question may be answered a little later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code(error) in _PASSING or status >= 500


def concerns_all(error: ClientError) -> bool:
    """Whether every other execution would be refused for the same reason."""
    return code(error) in _SHARED


def _execution(answer: "DescribeExecutionOutputTypeDef") -> Execution:
    status, output, stopped = answer["status"], answer.get("output"), answer.get("stopDate")
    failed = status not in _GOES_ON and status != "SUCCEEDED"
    return Execution(
        arn=answer["executionArn"],
        status=status,
        started_epoch_ms=_epoch_ms(answer["startDate"]),
        finished_epoch_ms=_epoch_ms(stopped) if stopped else None,
        output=json.loads(output) if output and not failed else None,
        error=(answer.get("error") or _UNNAMED.get(status, "Execution.Failed")) if failed else None,
        cause=answer.get("cause") if failed else None,
    )


def _epoch_ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000)
