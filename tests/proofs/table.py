"""The faults of 0.1 that a lenient emulator hid: how each gets into the sources again, and the test that turns red.

A row is found to be stale by a unit test: its old text stands once in its file, its test exists, its refusals do.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Change:
    """One place in the sources: `old` stands in `file` exactly once, and becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `words` say what AWS does and what 0.1 made of it; `test` is a pytest node ID.

    `refusals` are those of the embedded cloud that show it. Without any, the test's own fake does what AWS does, or it
    judges the template: then the same test has to be green on the sources as they are.
    """

    name: str
    words: str
    changes: tuple[Change, ...]
    test: str
    refusals: tuple[str, ...] = ()


LANE: Final = "functions/headway_lane"
LANE_TESTS: Final = "tests/unit/headway_lane"
ELEVEN_STEPS: Final = "tests/e2e/test_eleven_steps.py"
TIME_AND_SIZE: Final = "tests/e2e/test_time_and_size.py"
BACKLOG: Final = "tests/unit/headway/run/test_backlog.py"

NO_OWN_WORK: Final = Change(
    f"{LANE}/ledger/store.py",
    "moved = found.get(CallAttribute.MOVE_ID) == ours and found[CallAttribute.STATE] == state",
    "moved = False",
)

FAULTS: Final = (
    Fault(
        name="missing-grant",
        words="IAM denies what a role lacks; a function did what its role might not, and its calls hung",
        changes=(Change(f"{LANE}/dispatcher/needs.py", "        | BEATING_TASKS\n", ""),),
        test=f"{TIME_AND_SIZE}::test_an_execution_that_was_stopped_takes_the_late_answer_when_it_is_redriven",
        refusals=("iam",),
    ),
    Fault(
        name="escaped-input",
        words="an execution's input is limited in bytes; escapes made 390,022 of 195,000",
        changes=(
            Change(f"{LANE}/dispatcher/dispatch.py", "input=json_text.write(", "input=__import__('json').dumps("),
        ),
        test=f"{TIME_AND_SIZE}::test_a_payload_of_chinese_travels_by_its_bytes_and_not_by_its_escapes",
        refusals=("data_sizes",),
    ),
    Fault(
        name="dead-task-called",
        words="a task ends by its heartbeat while its call is queued; the vendor was called all the same",
        changes=(Change(f"{LANE}/caller/call.py", "if not self._back.settler.awaited(call):", "if False:"),),
        test=f"{TIME_AND_SIZE}::test_the_vendor_is_called_for_a_task_that_waits_and_for_no_other",
        refusals=("heartbeats",),
    ),
    Fault(
        name="late-token",
        words="SendTask* answers TaskTimedOut for a token whose task has ended; it was taken for trouble, and retried",
        changes=(
            Change(
                f"{LANE}/resume/task_token.py",
                'frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})',
                'frozenset({"TaskDoesNotExist", "InvalidToken"})',
            ),
        ),
        test=f"{TIME_AND_SIZE}::test_the_callback_of_an_execution_that_timed_out_finds_a_dead_token",
        refusals=("task_tokens",),
    ),
    Fault(
        name="short-poll",
        words="a receive without a wait may return nothing of what waits; the drain set no wait time",
        changes=(Change(f"{LANE}/dispatcher/drain.py", "                WaitTimeSeconds=RECEIVE_WAIT_S,\n", ""),),
        test="tests/cloud/test_drain.py::test_what_waits_is_received_though_a_short_poll_might_have_missed_it",
        refusals=("partial_receives",),
    ),
    Fault(
        name="unordered-times",
        words="a heartbeat has to be shorter than its timeout; the machine is refused",
        changes=(
            Change(
                "workflows/call_vendor.asl.json",
                '"HeartbeatSeconds": "${CallHeartbeatSeconds}",',
                '"HeartbeatSeconds": "${CallTimeoutSeconds}",',
            ),
            Change(
                "workflows/call_vendor.asl.json",
                '"TimeoutSeconds": "${CallTimeoutSeconds}"',
                '"TimeoutSeconds": "${CallHeartbeatSeconds}"',
            ),
        ),
        test=f"{ELEVEN_STEPS}::test_one_call_leaves_its_evidence_at_each_of_the_eleven_steps",
        refusals=("definitions",),
    ),
    Fault(
        name="role-nobody-may-assume",
        words="a service takes only a role that trusts it",
        changes=(
            Change(
                "cdk/headway_cdk/constructs/lambda_function.py",
                'iam.ServicePrincipal("lambda.amazonaws.com")',
                'iam.ServicePrincipal("states.amazonaws.com")',
            ),
        ),
        test=f"{ELEVEN_STEPS}::test_one_call_leaves_its_evidence_at_each_of_the_eleven_steps",
        refusals=("iam",),
    ),
    Fault(
        name="tuning-falls-open",
        words="AppConfig may fail to answer; a tuning of 2/s became the contract's 10/s",
        changes=(
            Change(
                f"{LANE}/contract/profile.py",
                "            raise TuningUnknown(str(error), retry_after_s=TUNING_RETRY_S) from error",
                "            return Tuning(0, 1_000.0)",
            ),
        ),
        test=f"{LANE_TESTS}/contract/test_profile.py::test_no_pace_is_made_up_where_no_tuning_was_ever_read",
    ),
    Fault(
        name="client-timeouts",
        words="SDK clients wait 60 s, longer than the functions live",
        changes=(
            Change(f"{LANE}/runtime/aws.py", "    connect_timeout=CONNECT_TIMEOUT_S,\n", ""),
            Change(f"{LANE}/runtime/aws.py", "    read_timeout=READ_TIMEOUT_S,\n", ""),
        ),
        test=f"{LANE_TESTS}/test_clients.py::test_a_request_ends_long_before_its_function",
    ),
    Fault(
        name="lost-response-of-release",
        words="an SDK repeats a write whose response was lost, and the condition fails; the call went to no queue",
        changes=(NO_OWN_WORK,),
        test=f"{LANE_TESTS}/caller/test_call.py"
        "::test_a_deferred_call_is_requeued_where_the_response_to_its_release_was_lost",
    ),
    Fault(
        name="lost-response-of-begin",
        words="the same; the caller took it for its own crash, and failed the call with nothing sent",
        changes=(
            NO_OWN_WORK,
            Change(
                f"{LANE}/ledger/store.py",
                "self._move(call_id, attempt, SENT_BY_NOBODY, CallState.DISPATCHING",
                "self._move(call_id, attempt, (CallState.QUEUED,), CallState.DISPATCHING",
            ),
        ),
        test=f"{LANE_TESTS}/caller/test_call.py::test_a_call_is_made_where_the_response_to_its_beginning_was_lost",
    ),
    Fault(
        name="lost-response-of-reserve",
        words="the same; slots stayed empty that nobody else had taken",
        changes=(
            Change(
                f"{LANE}/limiter/reservation_store.py",
                "return item_of(error).get(BudgetAttribute.WRITE_ID) == write_id",
                "return False",
            ),
        ),
        test=f"{LANE_TESTS}/limiter/test_budget.py"
        "::test_a_write_whose_response_was_lost_is_ones_own_once_the_request_is_repeated",
    ),
    Fault(
        name="equal-timeouts",
        words="a task's timeout counts the cold start, the function's does not; a retry met the first invocation",
        changes=(
            Change(
                "cdk/headway_cdk/constructs/lane_machines.py", "vendor.caller_task_timeout_s", "vendor.caller_timeout_s"
            ),
        ),
        test="tests/infrastructure/test_lane.py::"
        "test_no_task_of_dispatch_call_ends_before_its_function_does_and_none_after_an_express_workflows_five_minutes",
    ),
    Fault(
        name="equal-execution-names",
        words="executions have unique names per machine; equal names of two machines were one call",
        changes=(Change(f"{LANE}/messages/identity.py", "parts = [place.machine, tenant,", "parts = [tenant,"),),
        test=f"{LANE_TESTS}/messages/test_identity.py::test_any_part_alone_makes_another_call",
    ),
    Fault(
        name="all-at-once",
        words="a task's heartbeat runs while its call waits; a file's lines all waited at once, and 215 of 400 expired",
        changes=(
            Change(
                "headway/run/room.py",
                "window_count = min(self.limit_count, seed_count + taken_count)",
                "return 10**6",
            ),
        ),
        test=f"{BACKLOG}::test_a_short_patience_is_never_overrun_and_the_contract_is_used",
    ),
    Fault(
        name="unpaced-starts",
        words="StartExecution has a token bucket; lines were started as fast as sixteen threads could",
        changes=(Change("headway/run/executions.py", "            self._starts.wait()\n", ""),),
        test=f"{BACKLOG}::test_starts_and_descriptions_keep_within_the_quotas_and_few_requests_look_at_a_queue",
    ),
)
