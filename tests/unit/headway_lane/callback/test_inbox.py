"""The inbox: every outcome of a callback, and what it leaves behind."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from headway_lane.callback.inbox import CallbackOutcome, Inbox
from headway_lane.contract.exchange import Callback
from headway_lane.ledger.record import CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from headway_lane.messages.claim import CARRIED_BYTES, answers_folder
from headway_lane.messages.envelope import Envelope
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import Forged, Malformed

from tests.unit.headway_lane.calls import HOLDER, LEASE_S, TTL_S, joined
from tests.unit.headway_lane.calls import accepted as accepted_call
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    SIGNED_AT,
    TOKEN,
    WEBHOOK_KEY,
    FakeProfiles,
    FakeS3,
    FakeStepFunctions,
    Tables,
    request_of,
    signed,
    vendor_of,
)

CONTRACT = vendor_of()


def envelope(status: Any = "succeeded", job_id: Any = "job-1") -> Envelope:
    body = json.dumps({"id": job_id, "status": status, "output": "Grüße"}, ensure_ascii=False)
    return received(body, signed(body))


def received(body: str, headers: Mapping[str, str]) -> Envelope:
    """Return a callback that came in as it was signed."""
    return Envelope("acme", headers, body.encode(), SIGNED_AT.timestamp())


def outcome(inbox: Inbox, envelope: Envelope) -> CallbackOutcome:
    """Return what became of the one event of a callback."""
    [outcome] = inbox.receive(envelope).outcomes
    return outcome


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def inbox(ledger: Ledger, settler: Settler, s3: FakeS3) -> Inbox:
    return Inbox(FakeProfiles(CONTRACT), ledger, settler, s3.claims(), lambda: [WEBHOOK_KEY])


@pytest.fixture
def left() -> list[str]:
    """Return the in-flight permits that were given back."""
    return []


@pytest.fixture
def freeing(ledger: Ledger, step_functions: FakeStepFunctions, left: list[str], s3: FakeS3) -> Inbox:
    """Return an inbox that notes the in-flight permits that it gives back, and what had been sent by then."""

    def leave(vendor: str, call_id: str) -> None:
        left.append(f"{vendor} {call_id} after {[name for name, _ in step_functions.sent]}")

    settler = Settler(ledger, step_functions.waiters(), leave)
    return Inbox(FakeProfiles(CONTRACT), ledger, settler, s3.claims(), lambda: [WEBHOOK_KEY])


@pytest.fixture
def accepted(ledger: Ledger) -> None:
    joined(ledger)


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize(
    ("status", "operation"),
    [("succeeded", "SendTaskSuccess"), ("failed", "SendTaskFailure"), ("canceled", "SendTaskFailure")],
)
def test_a_final_status_resumes_the_waiting_task(
    inbox: Inbox, tables: Tables, step_functions: FakeStepFunctions, status: str, operation: str
) -> None:
    assert outcome(inbox, envelope(status)) is CallbackOutcome.RESUMED
    assert [name for name, _ in step_functions.sent] == [operation]
    assert tables.call()["state"] == CallState.RESUMED


@pytest.mark.usefixtures("accepted")
def test_a_second_delivery_is_a_duplicate(inbox: Inbox, step_functions: FakeStepFunctions) -> None:
    inbox.receive(envelope())
    assert outcome(inbox, envelope()) is CallbackOutcome.DUPLICATE
    assert outcome(inbox, envelope("failed")) is CallbackOutcome.DUPLICATE
    assert len(step_functions.sent) == 1


@pytest.mark.usefixtures("accepted")
def test_an_answer_to_a_task_that_has_ended_is_late(
    inbox: Inbox, tables: Tables, step_functions: FakeStepFunctions
) -> None:
    step_functions.end(TOKEN)
    assert outcome(inbox, envelope()) is CallbackOutcome.LATE
    assert tables.call()["state"] == CallState.LATE
    assert outcome(inbox, envelope()) is CallbackOutcome.DUPLICATE


@pytest.mark.usefixtures("accepted")
def test_a_delivery_after_a_crash_resumes_the_task(inbox: Inbox, step_functions: FakeStepFunctions) -> None:
    step_functions.errors.append(ConnectionError("the function broke off"))
    with pytest.raises(ConnectionError):
        inbox.receive(envelope())
    assert outcome(inbox, envelope()) is CallbackOutcome.RESUMED
    assert len(step_functions.sent) == 1


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize(("status", "sent"), [("succeeded", "SendTaskSuccess"), ("failed", "SendTaskFailure")])
def test_the_last_word_on_a_job_frees_its_in_flight_permit_before_its_task_is_told_and_again_with_every_repeat(
    freeing: Inbox, left: list[str], status: str, sent: str
) -> None:
    for _ in range(2):
        freeing.receive(envelope(status))
    assert left == [f"acme {CALL_ID} after []", f"acme {CALL_ID} after ['{sent}']"], "the next call waits for it"


@pytest.mark.usefixtures("accepted")
def test_a_late_answer_frees_the_in_flight_permit_as_well(
    freeing: Inbox, left: list[str], step_functions: FakeStepFunctions
) -> None:
    step_functions.end(TOKEN)
    assert outcome(freeing, envelope()) is CallbackOutcome.LATE
    assert left == [f"acme {CALL_ID} after []"]


@pytest.mark.usefixtures("accepted")
def test_a_job_in_progress_keeps_its_in_flight_permit(freeing: Inbox, left: list[str]) -> None:
    freeing.receive(envelope("processing"))
    assert left == []


@pytest.mark.usefixtures("accepted")
def test_an_answer_that_could_not_be_handed_over_has_freed_the_in_flight_permit_of_its_job(
    freeing: Inbox, left: list[str], step_functions: FakeStepFunctions
) -> None:
    step_functions.errors.append(ConnectionError("the function broke off"))
    with pytest.raises(ConnectionError):
        freeing.receive(envelope())
    assert len(left) == 1
    freeing.receive(envelope())
    assert len(left) == 2


def test_an_answer_before_its_job_id_frees_no_in_flight_permit_and_whoever_joins_the_halves_does(
    freeing: Inbox, ledger: Ledger, left: list[str], step_functions: FakeStepFunctions
) -> None:
    freeing.receive(envelope())
    assert left == []
    answer = ledger.join_call(accepted_call(ledger), "job-1")
    assert answer is not None
    Settler(ledger, step_functions.waiters(), lambda vendor, call_id: left.append(call_id)).settle(CALL_ID, answer)
    assert left == [CALL_ID]


def test_an_answer_before_its_job_id_is_parked_as_it_came(inbox: Inbox, ledger: Ledger) -> None:
    early = envelope()
    assert outcome(inbox, early) is CallbackOutcome.EARLY
    assert outcome(inbox, early) is CallbackOutcome.DUPLICATE
    answer = ledger.join_call(accepted_call(ledger), "job-1")
    assert answer is not None
    assert (answer.succeeded, answer.status, answer.body) == (True, "succeeded", early.body.decode())


@pytest.mark.usefixtures("accepted")
def test_progress_keeps_the_task_alive_and_the_record_as_it_is(
    inbox: Inbox, tables: Tables, step_functions: FakeStepFunctions
) -> None:
    before = tables.call()
    outcomes = [outcome(inbox, envelope("processing")) for _ in range(2)]
    assert outcomes == [CallbackOutcome.HEARTBEAT] * 2
    assert step_functions.sent == [("SendTaskHeartbeat", {"taskToken": TOKEN})] * 2
    assert tables.call() == before


@pytest.mark.usefixtures("accepted")
def test_progress_of_a_task_that_has_ended_is_late(inbox: Inbox, step_functions: FakeStepFunctions) -> None:
    step_functions.end(TOKEN)
    assert outcome(inbox, envelope("processing")) is CallbackOutcome.LATE


def test_progress_before_the_job_id_is_known_is_early_and_leaves_nothing(inbox: Inbox, tables: Tables) -> None:
    assert outcome(inbox, envelope("processing")) is CallbackOutcome.EARLY
    assert tables.jobs.scan()["Items"] == []


@pytest.fixture
def several(ledger: Ledger, step_functions: FakeStepFunctions) -> list[str]:
    """Let one job answer two calls of a tenant; return the tokens of their tasks."""
    for name, token in (("call-1", TOKEN), ("call-2", "token-2")):
        step_functions.waiting.add(token)
        joined(ledger, request_of(name, token))
    return [TOKEN, "token-2"]


def test_an_answer_to_several_calls_resumes_each_of_them_once(
    inbox: Inbox, step_functions: FakeStepFunctions, several: list[str]
) -> None:
    assert outcome(inbox, envelope()) is CallbackOutcome.RESUMED
    assert outcome(inbox, envelope()) is CallbackOutcome.DUPLICATE
    assert sorted(sent["taskToken"] for sent in step_functions.of("SendTaskSuccess")) == sorted(several)


@pytest.mark.parametrize(("ended_count", "said"), [(1, CallbackOutcome.RESUMED), (2, CallbackOutcome.LATE)])
def test_of_an_answer_to_several_calls_the_best_is_said(
    inbox: Inbox, step_functions: FakeStepFunctions, several: list[str], ended_count: int, said: CallbackOutcome
) -> None:
    for token in several[:ended_count]:
        step_functions.end(token)
    assert outcome(inbox, envelope()) is said


def test_an_answer_that_broke_off_between_two_calls_goes_on_with_the_second(
    inbox: Inbox, step_functions: FakeStepFunctions, several: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed = step_functions.send_task_success

    def break_off_at_the_second(**params: Any) -> None:
        if step_functions.sent:
            raise ConnectionError("the function broke off")
        succeed(**params)

    with monkeypatch.context() as broken:
        broken.setattr(step_functions, "send_task_success", break_off_at_the_second)
        with pytest.raises(ConnectionError):
            inbox.receive(envelope())
    assert outcome(inbox, envelope()) is CallbackOutcome.RESUMED
    assert sorted(sent["taskToken"] for sent in step_functions.of("SendTaskSuccess")) == sorted(several)


@pytest.mark.parametrize(
    ("ended_count", "said"), [(0, CallbackOutcome.HEARTBEAT), (1, CallbackOutcome.HEARTBEAT), (2, CallbackOutcome.LATE)]
)
def test_progress_keeps_every_task_alive_that_waits_for_the_job(
    inbox: Inbox, step_functions: FakeStepFunctions, several: list[str], ended_count: int, said: CallbackOutcome
) -> None:
    for token in several[:ended_count]:
        step_functions.end(token)
    assert outcome(inbox, envelope("processing")) is said
    assert {sent["taskToken"] for sent in step_functions.of("SendTaskHeartbeat")} == set(several[ended_count:])


@pytest.mark.usefixtures("accepted")
def test_the_first_word_on_a_job_counts_though_it_was_never_handed_over(
    inbox: Inbox, step_functions: FakeStepFunctions
) -> None:
    step_functions.errors.append(ConnectionError("the function broke off"))
    with pytest.raises(ConnectionError):
        inbox.receive(envelope("failed"))
    assert outcome(inbox, envelope("succeeded")) is CallbackOutcome.RESUMED
    assert [name for name, _ in step_functions.sent] == ["SendTaskFailure"]


@pytest.mark.usefixtures("accepted")
def test_the_job_of_an_earlier_round_answers_nobody_and_keeps_nobody_alive(
    inbox: Inbox, ledger: Ledger, tables: Tables, step_functions: FakeStepFunctions
) -> None:
    call = ledger.find(CALL_ID)
    assert call is not None
    ledger.abandon(call, "Vendor.JobUnknown", "acme does not know job job-1")
    given_up, retry = ledger.find(CALL_ID), request_of(token="token-of-a-retry")
    assert given_up is not None
    assert ledger.take_over(given_up, retry, Succession(Next.DISPATCH, new_round=True), TTL_S)
    ledger.begin(CALL_ID, retry.attempt, HOLDER, LEASE_S)
    ledger.accept(CALL_ID, retry.attempt, "job-2")
    step_functions.waiting.add(retry.waiter)
    before = tables.call()
    assert outcome(inbox, envelope("processing")) is CallbackOutcome.EARLY
    assert outcome(inbox, envelope("failed")) is CallbackOutcome.DUPLICATE
    assert (tables.call(), step_functions.sent) == (before, [])


@pytest.mark.usefixtures("accepted")
def test_a_forged_callback_changes_nothing(inbox: Inbox, tables: Tables, step_functions: FakeStepFunctions) -> None:
    before = (tables.call(), tables.jobs.scan()["Items"])
    genuine = envelope("failed")
    with pytest.raises(Forged):
        inbox.receive(received(genuine.body.decode().replace("failed", "succeeded"), genuine.headers))
    assert (tables.call(), tables.jobs.scan()["Items"]) == before
    assert step_functions.sent == []


def test_the_signature_is_checked_before_anything_is_read(inbox: Inbox) -> None:
    with pytest.raises(Forged):
        inbox.receive(received("not JSON", {}))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not JSON", "the callback is not JSON"),
        ("", "the callback is not JSON"),
        ("[]", "the callback has no job ID at `id`"),
        ('{"status": "succeeded"}', "the callback has no job ID at `id`"),
        ('{"id": "", "status": "succeeded"}', "the callback has no job ID at `id`"),
        ('{"id": true, "status": "succeeded"}', "the callback has no job ID at `id`"),
        ('{"id": ["job-1"], "status": "succeeded"}', "the callback has no job ID at `id`"),
        ('{"id": "job-1"}', "the callback has no status at `status`"),
        ('{"id": "job-1", "status": null}', "the callback has no status at `status`"),
        ('{"id": "job-1", "status": ["succeeded"]}', "the callback has no status at `status`"),
        ('{"id": "job-1", "status": {"is": "succeeded"}}', "the callback has no status at `status`"),
        ('{"id": "job-1", "status": true}', "the callback's `status` is in none of the contract's lists"),
        ('{"id": "job-1", "status": "exploded"}', "the callback's `status` is in none of the contract's lists"),
        ('{"id": "job-1", "status": "Succeeded"}', "the callback's `status` is in none of the contract's lists"),
    ],
)
def test_a_genuine_callback_that_cannot_be_read_is_malformed_and_names_the_field(
    inbox: Inbox, tables: Tables, body: str, reason: str
) -> None:
    with pytest.raises(Malformed) as refused:
        inbox.receive(received(body, signed(body)))
    assert str(refused.value) == reason
    assert tables.jobs.scan()["Items"] == []


def test_an_event_that_no_item_has_room_for_is_kept_whole_behind_a_claim_check(
    inbox: Inbox, ledger: Ledger, s3: FakeS3
) -> None:
    event = {"id": "job-1", "status": "succeeded", "text": "ü" * CARRIED_BYTES}
    body = json.dumps(event)
    assert outcome(inbox, received(body, signed(body))) is CallbackOutcome.EARLY
    answer = ledger.answer_of_job("acme", "job-1")
    assert answer is not None
    assert len(answer.body) < 1_000
    assert s3.claims().redeem(json.loads(answer.body), answers_folder("acme")) == event


def test_a_vendor_whose_contract_has_lost_its_callbacks_is_not_believed(ledger: Ledger, settler: Settler) -> None:
    silent = replace(CONTRACT, callback=None)
    inbox = Inbox(FakeProfiles(silent), ledger, settler, FakeS3().claims(), lambda: [WEBHOOK_KEY])
    with pytest.raises(Malformed, match="acme calls nobody back any more"):
        inbox.receive(envelope())


def test_a_sender_that_asks_whether_it_may_send_is_told_so(ledger: Ledger, settler: Settler) -> None:
    confirmed: list[str] = []
    callback = Callback.from_document({"body": "sns", "job_id": "id", "verification": "none"})
    profiles = FakeProfiles(replace(CONTRACT, callback=callback))
    inbox = Inbox(profiles, ledger, settler, FakeS3().claims(), list, confirm=confirmed.append)
    asked = json.dumps({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example/confirm"})
    assert outcome(inbox, received(asked, {})) is CallbackOutcome.CONFIRMED
    assert confirmed == ["https://sns.example/confirm"]
