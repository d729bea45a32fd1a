"""The calls table on moto's DynamoDB: every move happens from its own states, for its own attempt, and leaves the
record alone elsewhere.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from headway_lane.ledger.record import Answer, Call, CallAttribute, CallState, JobAttribute
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.unit.headway_lane.calls import HOLDER, LEASE_S, TTL_S, accepted, dispatching, queued, sending
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    NOW_MS,
    TENANT,
    TOKEN,
    RepeatingTable,
    Tables,
    WallClock,
    place_of,
    request_of,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import DynamoDBServiceResource

Move = Callable[[Ledger], Call | None]

ATTEMPT = request_of().attempt
RETRY = request_of(token="token-of-a-retry")
TAKEN = Succession(Next.DISPATCH)


def found(ledger: Ledger) -> Call:
    call = ledger.find(CALL_ID)
    assert call is not None
    return call


def of_found(move: Callable[[Ledger, Call], Call | None]) -> Move:
    """Return a move of the call as the ledger has it; of one that it does not have, none."""

    def moved(ledger: Ledger) -> Call | None:
        call = ledger.find(CALL_ID)
        return call and move(ledger, call)

    return moved


BEGIN: Move = lambda ledger: ledger.begin(CALL_ID, ATTEMPT, HOLDER, LEASE_S)  # noqa: E731
SEND: Move = lambda ledger: ledger.send(CALL_ID, ATTEMPT, HOLDER)  # noqa: E731
ACCEPT: Move = lambda ledger: ledger.accept(CALL_ID, ATTEMPT, "job-1")  # noqa: E731
REJECT: Move = lambda ledger: ledger.reject(CALL_ID, ATTEMPT, "Vendor.Rejected", "acme answered HTTP 422")  # noqa: E731
ANSWER: Move = lambda ledger: ledger.answer(CALL_ID, "job-1")  # noqa: E731
RELEASE = of_found(lambda ledger, call: ledger.release(call))
REQUEUE = of_found(lambda ledger, call: ledger.requeue(call))
TAKE_BACK = of_found(lambda ledger, call: ledger.take_back(call, "invocation-2", LEASE_S))
ABANDON = of_found(lambda ledger, call: ledger.abandon(call, "Vendor.JobUnknown", "acme does not know it"))
EXPIRE = of_found(lambda ledger, call: ledger.expire(call, "the task had ended"))
RESUME = of_found(lambda ledger, call: ledger.resume(call))
CANCEL = of_found(lambda ledger, call: ledger.cancel(call))
LAPSE = of_found(lambda ledger, call: ledger.lapse(call, None))

WAYS: dict[CallState, tuple[Move, ...]] = {
    CallState.QUEUED: (),
    CallState.DISPATCHING: (BEGIN,),
    CallState.SENDING: (BEGIN, SEND),
    CallState.ACCEPTED: (BEGIN, SEND, ACCEPT),
    CallState.ANSWERED: (BEGIN, SEND, ACCEPT, ANSWER),
    CallState.RESUMED: (BEGIN, SEND, ACCEPT, ANSWER, RESUME),
    CallState.REJECTED: (BEGIN, SEND, REJECT),
    CallState.LATE: (BEGIN, SEND, ACCEPT, ANSWER, LAPSE),
    CallState.EXPIRED: (BEGIN, EXPIRE),
    CallState.CANCELLED: (BEGIN, SEND, ACCEPT, CANCEL),
}
UNSENT = {CallState.QUEUED, CallState.DISPATCHING}
IN_HAND = {CallState.DISPATCHING, CallState.SENDING}
MOVES: dict[str, tuple[Move, set[CallState], CallState]] = {
    "begin": (BEGIN, UNSENT, CallState.DISPATCHING),
    "send": (SEND, IN_HAND, CallState.SENDING),
    "take back": (TAKE_BACK, {CallState.SENDING}, CallState.DISPATCHING),
    "release": (RELEASE, IN_HAND, CallState.QUEUED),
    "requeue": (REQUEUE, {CallState.DISPATCHING}, CallState.QUEUED),
    "accept": (ACCEPT, IN_HAND, CallState.ACCEPTED),
    "reject": (REJECT, UNSENT | IN_HAND, CallState.REJECTED),
    "abandon": (ABANDON, {CallState.ACCEPTED}, CallState.REJECTED),
    "expire": (EXPIRE, UNSENT, CallState.EXPIRED),
    "answer": (ANSWER, {CallState.ACCEPTED, CallState.CANCELLED}, CallState.ANSWERED),
    "resume": (RESUME, {CallState.ANSWERED}, CallState.RESUMED),
    "cancel": (CANCEL, {CallState.ACCEPTED}, CallState.CANCELLED),
    "lapse": (LAPSE, {CallState.ANSWERED}, CallState.LATE),
}


def bring(ledger: Ledger, state: CallState) -> Call:
    """Bring a new call into a state, by legal moves only."""
    queued(ledger)
    for move in WAYS[state]:
        assert move(ledger) is not None
    call = found(ledger)
    assert call.state is state
    return call


def test_a_new_call_is_queued_with_who_asked_who_waits_and_a_time_to_live(ledger: Ledger, tables: Tables) -> None:
    call = ledger.enqueue(request_of(), TENANT, ttl_s=3_600)
    assert call == ledger.find(CALL_ID)
    assert (call.state, call.tenant, call.round_number, call.doubtful) == (CallState.QUEUED, TENANT, 0, False)
    assert tables.call() == {
        "call_id": CALL_ID,
        "state": "queued",
        "vendor": "acme",
        "execution": place_of().execution,
        "step": "CallVendor",
        "tenant": TENANT,
        "waiter": TOKEN,
        "attempt": ATTEMPT,
        "move_id": call.move_id,
        "queued_epoch_ms": NOW_MS,
        "expires_epoch_s": NOW_MS // 1_000 + 3_600,
        "format_version": 2,
    }


@pytest.mark.parametrize("state", CallState)
def test_a_second_enqueue_by_whichever_attempt_returns_what_is_there_and_changes_nothing(
    ledger: Ledger, tables: Tables, wall_clock: WallClock, state: CallState
) -> None:
    call = bring(ledger, state)
    before = tables.call()
    wall_clock.now_ms += 5_000
    assert ledger.enqueue(request_of(), TENANT, 7_200) == call
    assert ledger.enqueue(RETRY, TENANT, 7_200) == call
    assert tables.call() == before


def test_an_enqueue_whose_response_was_lost_finds_its_own_record(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    call = queued(Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock))
    assert call == found(ledger)
    assert (call.state, call.attempt) == (CallState.QUEUED, ATTEMPT)


def test_an_unknown_call_is_found_by_nobody_and_moves_nowhere(ledger: Ledger, tables: Tables) -> None:
    assert ledger.find(CALL_ID) is None
    assert ledger.waiter_of(CALL_ID) is None
    assert [move(ledger) for move, _, _ in MOVES.values()] == [None] * len(MOVES)
    assert tables.calls.scan()["Items"] == []


@pytest.mark.parametrize("move_name", MOVES)
@pytest.mark.parametrize("state", CallState)
def test_a_move_happens_from_its_own_states_and_leaves_every_other_record_untouched(
    ledger: Ledger, tables: Tables, wall_clock: WallClock, state: CallState, move_name: str
) -> None:
    move, origins, target = MOVES[move_name]
    bring(ledger, state)
    before = tables.call()
    wall_clock.now_ms += 1_000
    call = move(ledger)
    if state in origins:
        assert call is not None
        assert call.state is target
        assert call == ledger.find(CALL_ID)
        assert tables.call()[f"{target}_epoch_ms"] == NOW_MS + 1_000
        rewritten = {"state", "move_id", f"{target}_epoch_ms", "holder", "lease_until_epoch_s"}
        kept = {name: value for name, value in before.items() if name not in rewritten}
        assert kept.items() <= tables.call().items()
    else:
        assert call is None
        assert tables.call() == before


STALE: dict[str, Callable[[Ledger, Call], Call | None]] = {
    "begin": lambda ledger, call: ledger.begin(CALL_ID, call.attempt, HOLDER, LEASE_S),
    "send": lambda ledger, call: ledger.send(CALL_ID, call.attempt, HOLDER),
    "take back": lambda ledger, call: ledger.take_back(call, "invocation-2", LEASE_S),
    "release": lambda ledger, call: ledger.release(call),
    "requeue": lambda ledger, call: ledger.requeue(call),
    "accept": lambda ledger, call: ledger.accept(CALL_ID, call.attempt, "job-1"),
    "reject": lambda ledger, call: ledger.reject(CALL_ID, call.attempt, "Vendor.Rejected", "a cause"),
    "abandon": lambda ledger, call: ledger.abandon(call, "Vendor.JobUnknown", "a cause"),
    "expire": lambda ledger, call: ledger.expire(call, "a cause"),
    "resume": lambda ledger, call: ledger.resume(call),
    "lapse": lambda ledger, call: ledger.lapse(call, None),
}
"""Moves by who knows an earlier attempt; `answer` is for whoever waits."""


@pytest.mark.parametrize("move_name", STALE)
@pytest.mark.parametrize("state", CallState)
def test_an_attempt_that_is_over_moves_nothing_whatever_the_next_one_does(
    ledger: Ledger, tables: Tables, state: CallState, move_name: str
) -> None:
    over = queued(ledger)
    taken = ledger.take_over(over, RETRY, TAKEN, TTL_S)
    assert taken is not None
    tables.calls.update_item(
        Key={"call_id": CALL_ID},
        UpdateExpression="SET #state = :state, job_id = :job, holder = :holder",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": state, ":job": "job-1", ":holder": HOLDER},
    )
    before = tables.call()
    assert STALE[move_name](ledger, over) is None
    assert tables.call() == before


@pytest.mark.parametrize("move_name", MOVES)
def test_a_move_whose_response_was_lost_has_happened_once_the_request_is_repeated(
    ledger: Ledger, tables: Tables, wall_clock: WallClock, move_name: str
) -> None:
    move, origins, target = MOVES[move_name]
    bring(ledger, min(origins))
    call = move(Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock))
    assert call is not None
    assert call.state is target
    assert call == ledger.find(CALL_ID)


@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("after", [CallState.QUEUED, CallState.ACCEPTED])
def test_a_take_over_whose_response_was_lost_has_happened_once_the_request_is_repeated(
    ledger: Ledger, tables: Tables, wall_clock: WallClock, state: CallState, after: CallState
) -> None:
    call = bring(ledger, state)
    repeating = Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock)
    taken = repeating.take_over(call, RETRY, Succession(Next.DISPATCH, after, new_round=True), TTL_S)
    assert taken == found(ledger)
    assert (taken.attempt, taken.state, taken.round_number) == (RETRY.attempt, after, 1), "a round, and one only"


def test_who_sends_may_say_so_again_and_nobody_else_may(ledger: Ledger) -> None:
    call = sending(ledger)
    assert SEND(ledger) is not None, "all responses to the first time may have been lost"
    assert ledger.send(CALL_ID, call.attempt, "somebody-else") is None


def test_a_move_after_which_the_call_has_gone_on_is_over(ledger: Ledger, tables: Tables, wall_clock: WallClock) -> None:
    class ExpiringTable(RepeatingTable):
        def update_item(self, **request: Any) -> Any:
            self._table.update_item(**request)
            EXPIRE(ledger)
            return self._table.update_item(**request)

    bring(ledger, CallState.QUEUED)
    assert BEGIN(Ledger(ExpiringTable(tables.calls).table(), tables.jobs, wall_clock)) is None
    assert tables.call()[CallAttribute.STATE] == CallState.EXPIRED


def test_every_state_on_the_way_keeps_the_time_at_which_it_was_reached(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    queued(ledger)
    for move in WAYS[CallState.RESUMED]:
        wall_clock.now_ms += 10
        move(ledger)
    states = ("queued", "dispatching", "sending", "accepted", "answered", "resumed")
    assert [tables.call()[f"{state}_epoch_ms"] for state in states] == [NOW_MS + 10 * step for step in range(6)]


def test_a_lease_names_its_holder_and_ends(ledger: Ledger) -> None:
    call = dispatching(ledger)
    assert (call.holder, call.lease_until_epoch_s) == (HOLDER, NOW_MS // 1_000 + LEASE_S)


def test_of_two_who_make_a_call_the_last_to_begin_sends_it(ledger: Ledger) -> None:
    dispatching(ledger)
    assert ledger.begin(CALL_ID, ATTEMPT, "invocation-2", LEASE_S)
    assert ledger.send(CALL_ID, ATTEMPT, HOLDER) is None
    assert ledger.send(CALL_ID, ATTEMPT, "invocation-2")


def test_who_was_overtaken_cannot_let_go_of_what_the_other_has(ledger: Ledger) -> None:
    before = dispatching(ledger)
    ledger.begin(CALL_ID, ATTEMPT, "invocation-2", LEASE_S)
    assert ledger.release(before) is None
    assert found(ledger).holder == "invocation-2"


def test_what_was_being_sent_is_taken_back_in_doubt_by_one_only(ledger: Ledger, tables: Tables) -> None:
    call = sending(ledger)
    taken = ledger.take_back(call, "invocation-2", LEASE_S)
    assert taken is not None
    assert (taken.state, taken.holder, taken.doubtful) == (CallState.DISPATCHING, "invocation-2", True)
    assert ledger.send(CALL_ID, ATTEMPT, "invocation-2")
    assert ledger.take_back(call, "invocation-3", LEASE_S) is None, "it is being sent by another one"
    assert tables.call()["holder"] == "invocation-2"


def test_a_doubt_is_kept_until_the_call_is_released_without_one(ledger: Ledger, tables: Tables) -> None:
    bring(ledger, CallState.DISPATCHING)
    for doubtful in (False, True, False):
        ledger.release(found(ledger), doubtful)
        call = BEGIN(ledger)
        assert call is not None
        assert call.doubtful is doubtful
        assert ("doubtful" in tables.call()) is doubtful


@pytest.mark.parametrize("doubtful", [True, False])
def test_a_call_that_its_holder_never_sent_is_requeued_with_the_doubt_from_before(
    ledger: Ledger, doubtful: bool
) -> None:
    ledger.release(sending(ledger), doubtful)
    BEGIN(ledger)
    call = REQUEUE(ledger)
    assert call is not None
    assert (call.state, call.doubtful) == (CallState.QUEUED, doubtful)
    assert SEND(ledger) is None, "the holder that lives after all"


def test_a_call_that_has_been_begun_anew_since_it_was_found_is_not_requeued(ledger: Ledger) -> None:
    call = dispatching(ledger)
    ledger.begin(CALL_ID, ATTEMPT, "invocation-2", LEASE_S)
    assert ledger.requeue(call) is None


def test_a_job_id_ends_all_doubt(ledger: Ledger, tables: Tables) -> None:
    ledger.release(sending(ledger), doubtful=True)
    BEGIN(ledger)
    call = ACCEPT(ledger)
    assert call is not None
    assert (call.doubtful, "doubtful" in tables.call()) == (False, False)


def test_a_rejection_is_recorded_with_error_and_cause(ledger: Ledger, tables: Tables) -> None:
    bring(ledger, CallState.REJECTED)
    assert (tables.call()["error"], tables.call()["cause"]) == ("Vendor.Rejected", "acme answered HTTP 422")


@pytest.mark.parametrize("error", [None, "Vendor.JobFailed"])
def test_a_late_answer_is_an_error_where_the_job_has_failed(ledger: Ledger, error: str | None) -> None:
    call = ledger.lapse(bring(ledger, CallState.ANSWERED), error)
    assert call is not None
    assert call.error == error


def test_an_answer_to_another_job_than_the_call_has_does_not_answer_it(ledger: Ledger) -> None:
    accepted(ledger, job_id="job-2")
    assert ledger.answer(CALL_ID, "job-1") is None
    assert ledger.answer(CALL_ID, "job-2") is not None


def test_an_answer_is_for_whoever_waits_now(ledger: Ledger) -> None:
    taken = ledger.take_over(accepted(ledger), RETRY, Succession(Next.JOIN, CallState.ACCEPTED), TTL_S)
    assert taken is not None
    call = ANSWER(ledger)
    assert call is not None
    assert call.waiter == RETRY.waiter


def test_another_attempt_waits_in_place_of_the_one_before_for_as_long_as_a_new_one(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    call = bring(ledger, CallState.REJECTED)
    wall_clock.now_ms += 60_000
    taken = ledger.take_over(call, RETRY, TAKEN, 7_200)
    assert taken is not None
    assert (taken.waiter, taken.attempt, taken.tenant) == (RETRY.waiter, RETRY.attempt, TENANT)
    assert (taken.error, taken.holder, taken.round_number) == (None, None, 0)
    assert tables.call()["expires_epoch_s"] == NOW_MS // 1_000 + 60 + 7_200
    assert "cause" not in tables.call()


def test_a_round_more_is_another_job_with_a_key_of_its_own(ledger: Ledger) -> None:
    call = bring(ledger, CallState.RESUMED)
    keys = [call.idempotency_key]
    for token in ("token-2", "token-3"):
        taken = ledger.take_over(call, request_of(token=token), Succession(Next.DISPATCH, new_round=True), TTL_S)
        assert taken is not None
        assert taken.job_id is None
        keys.append(taken.idempotency_key)
        call = taken
    assert keys == [CALL_ID, f"{CALL_ID}-1", f"{CALL_ID}-2"]


@pytest.mark.parametrize("doubtful", [True, False])
def test_the_same_round_keeps_its_key_and_is_in_doubt_where_the_succession_says_so(
    ledger: Ledger, tables: Tables, doubtful: bool
) -> None:
    ledger.release(sending(ledger), doubtful=True)
    taken = ledger.take_over(found(ledger), RETRY, Succession(Next.DISPATCH, doubtful=doubtful), TTL_S)
    assert taken is not None
    assert (taken.idempotency_key, taken.doubtful) == (CALL_ID, doubtful)
    assert ("doubtful" in tables.call()) is doubtful


def test_a_job_that_is_taken_over_keeps_its_id(ledger: Ledger) -> None:
    taken = ledger.take_over(accepted(ledger), RETRY, Succession(Next.JOIN, CallState.ACCEPTED), TTL_S)
    assert taken is not None
    assert (taken.state, taken.job_id) == (CallState.ACCEPTED, "job-1")


@pytest.mark.parametrize("moved", ["by another attempt", "and back"])
def test_a_call_that_has_moved_since_it_was_found_is_not_taken_over(ledger: Ledger, tables: Tables, moved: str) -> None:
    call = queued(ledger)
    if moved == "and back":
        BEGIN(ledger)
        RELEASE(ledger)
    else:
        assert ledger.take_over(call, request_of(token="token-of-another"), TAKEN, TTL_S)
    before = tables.call()
    assert ledger.take_over(call, RETRY, TAKEN, TTL_S) is None
    assert tables.call() == before


def test_names_that_stand_bare_in_expressions_are_not_reserved_by_dynamodb() -> None:
    reserved = {word.upper() for word in ReservedKeywords.get_reserved_keywords()}
    assert {CallAttribute.STATE.upper(), CallAttribute.ERROR.upper()} <= reserved
    bare = {CallAttribute.CALL_ID, JobAttribute.ANSWER, JobAttribute.CALL_IDS}
    assert not {name.upper() for name in bare} & reserved


def test_errors_of_dynamodb_that_are_not_about_the_condition_propagate(
    dynamodb: "DynamoDBServiceResource", wall_clock: WallClock
) -> None:
    nowhere = dynamodb.Table("NotThere")
    ledger = Ledger(nowhere, nowhere, wall_clock)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        queued(ledger)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        BEGIN(ledger)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        ledger.join_answer("acme", Answer("job-1", True, "succeeded", "{}"))


def test_a_cancel_is_noted_on_what_was_found_and_keeps_its_time(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    call = bring(ledger, CallState.ACCEPTED)
    before = tables.call()
    wall_clock.now_ms += 1_000
    begun = ledger.begin_cancel(call, LEASE_S)
    assert begun is not None
    assert begun.cancelling_until_epoch_s == wall_clock.now_ms // 1_000 + LEASE_S
    assert ledger.begin_cancel(call, LEASE_S) is None, "it has moved since"
    assert ledger.leave_cancel(call) is None, "of another one"
    assert ledger.leave_cancel(begun) is not None
    after = tables.call()
    assert {**after, "move_id": ""} == {**before, "move_id": ""}


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.ACCEPTED])
def test_only_what_the_vendor_has_is_called_off(ledger: Ledger, tables: Tables, state: CallState) -> None:
    call = bring(ledger, state)
    before = tables.call()
    assert (ledger.begin_cancel(call, LEASE_S), ledger.leave_cancel(call)) == (None, None)
    assert tables.call() == before


def test_a_doubt_of_a_dead_caller_begins_the_count_of_refusals_anew(ledger: Ledger) -> None:
    ledger.release(sending(ledger), doubtful=True, refusals=3)
    call = ledger.begin(CALL_ID, ATTEMPT, HOLDER, LEASE_S)
    assert call is not None
    assert call.refusals == 3
    ledger.send(CALL_ID, ATTEMPT, HOLDER)
    taken = ledger.take_back(found(ledger), "invocation-2", LEASE_S)
    assert taken is not None
    assert (taken.doubtful, taken.refusals) == (True, 0)
