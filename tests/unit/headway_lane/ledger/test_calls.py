"""The calls table on moto's DynamoDB: every move happens from its own states and leaves the record alone elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from headway_lane.ledger.record import Answer, Call, CallAttribute, CallState, JobAttribute
from headway_lane.ledger.store import Ledger
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.unit.headway_lane.fakes import NOW_MS, TOKEN, RepeatingTable, Tables, WallClock, request_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import DynamoDBServiceResource

Move = Callable[[Ledger], Call | None]

BEGIN: Move = lambda ledger: ledger.begin("call-1", "owner-1", 40)  # noqa: E731
RELEASE: Move = lambda ledger: ledger.release("call-1")  # noqa: E731
ACCEPT: Move = lambda ledger: ledger.accept("call-1", "job-1")  # noqa: E731
REJECT: Move = lambda ledger: ledger.reject("call-1", "Vendor.Rejected", "acme answered HTTP 422")  # noqa: E731
ANSWER: Move = lambda ledger: ledger.answer("call-1")  # noqa: E731
RESUME: Move = lambda ledger: ledger.resume("call-1")  # noqa: E731
LAPSE: Move = lambda ledger: ledger.lapse("call-1")  # noqa: E731
EXPIRE: Move = lambda ledger: ledger.expire("call-1")  # noqa: E731

WAYS: dict[CallState, tuple[Move, ...]] = {
    CallState.QUEUED: (),
    CallState.DISPATCHING: (BEGIN,),
    CallState.ACCEPTED: (BEGIN, ACCEPT),
    CallState.ANSWERED: (BEGIN, ACCEPT, ANSWER),
    CallState.RESUMED: (BEGIN, ACCEPT, ANSWER, RESUME),
    CallState.REJECTED: (BEGIN, REJECT),
    CallState.LATE: (BEGIN, ACCEPT, ANSWER, LAPSE),
    CallState.EXPIRED: (BEGIN, EXPIRE),
}
MOVES: dict[str, tuple[Move, set[CallState], CallState]] = {
    "begin": (BEGIN, {CallState.QUEUED}, CallState.DISPATCHING),
    "release": (RELEASE, {CallState.DISPATCHING}, CallState.QUEUED),
    "accept": (ACCEPT, {CallState.DISPATCHING}, CallState.ACCEPTED),
    "reject": (REJECT, {CallState.QUEUED, CallState.DISPATCHING}, CallState.REJECTED),
    "answer": (ANSWER, {CallState.ACCEPTED}, CallState.ANSWERED),
    "resume": (RESUME, {CallState.ANSWERED}, CallState.RESUMED),
    "expire": (EXPIRE, {CallState.DISPATCHING}, CallState.EXPIRED),
    "lapse": (LAPSE, {CallState.ANSWERED, CallState.EXPIRED}, CallState.LATE),
}


def expire(tables: Tables) -> None:
    """Let the call be expired, whatever its state."""
    tables.calls.update_item(
        Key={CallAttribute.CALL_ID: "call-1"},
        UpdateExpression="SET #state = :expired",
        ExpressionAttributeNames={"#state": CallAttribute.STATE},
        ExpressionAttributeValues={":expired": CallState.EXPIRED},
    )


def bring(ledger: Ledger, tables: Tables, state: CallState) -> None:
    """Bring a new call into a state, by legal moves only."""
    assert ledger.enqueue(request_of(), 3_600)
    for move in WAYS.get(state, (BEGIN, ACCEPT)):
        assert move(ledger) is not None
    assert tables.call()[CallAttribute.STATE] == state


def test_a_new_call_is_queued_with_its_token_and_a_time_to_live(ledger: Ledger, tables: Tables) -> None:
    assert ledger.enqueue(request_of(), ttl_s=3_600)
    assert tables.call() == {
        "call_id": "call-1",
        "state": "queued",
        "vendor": "acme",
        "waiter": TOKEN,
        "idempotency_key": "call-1-key",
        "queued_epoch_ms": NOW_MS,
        "expires_epoch_s": NOW_MS // 1_000 + 3_600,
        "format_version": 1,
    }


def test_a_second_enqueue_is_a_duplicate_and_changes_nothing(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    ledger.enqueue(request_of(), 3_600)
    BEGIN(ledger)
    before = tables.call()
    wall_clock.now_ms += 5_000
    assert ledger.enqueue(request_of(token="token-of-a-retry"), 7_200) is False
    assert tables.call() == before


def test_an_unknown_call_is_found_by_nobody_and_moves_nowhere(ledger: Ledger, tables: Tables) -> None:
    assert ledger.find("call-1") is None
    assert [move(ledger) for move, _, _ in MOVES.values()] == [None] * len(MOVES)
    assert tables.calls.scan()["Items"] == []


@pytest.mark.parametrize("move_name", MOVES)
@pytest.mark.parametrize("state", CallState)
def test_a_move_happens_from_its_own_states_and_leaves_every_other_record_untouched(
    ledger: Ledger, tables: Tables, wall_clock: WallClock, state: CallState, move_name: str
) -> None:
    move, origins, target = MOVES[move_name]
    bring(ledger, tables, state)
    before = tables.call()
    wall_clock.now_ms += 1_000
    call = move(ledger)
    if state in origins:
        assert call is not None
        assert call.state is target
        assert call == ledger.find("call-1")
        assert tables.call()[f"{target}_epoch_ms"] == NOW_MS + 1_000
        rewritten = {("state", state), ("move_id", before.get("move_id"))}
        assert before.items() - rewritten <= tables.call().items() | {(f"{target}_epoch_ms", NOW_MS)}
    else:
        assert call is None
        assert tables.call() == before


@pytest.mark.parametrize("move_name", MOVES)
def test_a_move_whose_response_was_lost_has_happened_once_the_request_is_repeated(
    ledger: Ledger, tables: Tables, wall_clock: WallClock, move_name: str
) -> None:
    move, origins, target = MOVES[move_name]
    bring(ledger, tables, min(origins))
    call = move(Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock))
    assert call is not None
    assert call.state is target
    assert call == ledger.find("call-1")


def test_a_move_that_somebody_else_has_made_is_not_taken_for_ones_own(ledger: Ledger, tables: Tables) -> None:
    bring(ledger, tables, CallState.DISPATCHING)
    assert BEGIN(ledger) is None, "not even with the same lease owner"


def test_a_move_after_which_the_call_has_gone_on_is_over(ledger: Ledger, tables: Tables, wall_clock: WallClock) -> None:
    class ExpiringTable(RepeatingTable):
        def update_item(self, **request: Any) -> Any:
            self._table.update_item(**request)
            expire(tables)
            return self._table.update_item(**request)

    bring(ledger, tables, CallState.QUEUED)
    assert BEGIN(Ledger(ExpiringTable(tables.calls).table(), tables.jobs, wall_clock)) is None
    assert tables.call()[CallAttribute.STATE] == CallState.EXPIRED


def test_every_state_on_the_way_keeps_the_time_at_which_it_was_reached(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    ledger.enqueue(request_of(), 3_600)
    for move in (BEGIN, ACCEPT, ANSWER, RESUME):
        wall_clock.now_ms += 10
        move(ledger)
    states = ("queued", "dispatching", "accepted", "answered", "resumed")
    assert [tables.call()[f"{state}_epoch_ms"] for state in states] == [NOW_MS + 10 * step for step in range(5)]


def test_a_lease_names_its_owner_and_ends(ledger: Ledger, tables: Tables) -> None:
    bring(ledger, tables, CallState.DISPATCHING)
    assert (tables.call()["lease_owner"], tables.call()["lease_until_epoch_s"]) == ("owner-1", NOW_MS // 1_000 + 40)


def test_a_released_call_can_be_begun_by_another_owner(ledger: Ledger) -> None:
    ledger.enqueue(request_of(), 3_600)
    BEGIN(ledger)
    RELEASE(ledger)
    call = ledger.begin("call-1", "owner-2", 40)
    assert call is not None
    assert call.lease_owner == "owner-2"


def test_a_doubt_is_kept_until_the_call_is_released_without_one(ledger: Ledger, tables: Tables) -> None:
    bring(ledger, tables, CallState.DISPATCHING)
    for doubtful in (False, True, False):
        ledger.release("call-1", doubtful)
        call = BEGIN(ledger)
        assert call is not None
        assert call.doubtful is doubtful
        assert ("doubtful" in tables.call()) is doubtful


def test_a_rejection_is_recorded_with_error_and_cause(ledger: Ledger, tables: Tables) -> None:
    bring(ledger, tables, CallState.REJECTED)
    assert (tables.call()["error"], tables.call()["cause"]) == ("Vendor.Rejected", "acme answered HTTP 422")


def test_names_that_stand_bare_in_expressions_are_not_reserved_by_dynamodb() -> None:
    reserved = {word.upper() for word in ReservedKeywords.get_reserved_keywords()}
    assert {CallAttribute.STATE.upper(), CallAttribute.ERROR.upper()} <= reserved
    assert not {CallAttribute.CALL_ID.upper(), JobAttribute.ANSWER.upper()} & reserved


def test_errors_of_dynamodb_that_are_not_about_the_condition_propagate(
    dynamodb: "DynamoDBServiceResource", wall_clock: WallClock
) -> None:
    nowhere = dynamodb.Table("NotThere")
    ledger = Ledger(nowhere, nowhere, wall_clock)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        ledger.enqueue(request_of(), 3_600)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        BEGIN(ledger)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        ledger.join_answer("acme", Answer("job-1", True, "succeeded", "{}"))
