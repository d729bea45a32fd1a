"""What a callback says, read by its contract: formats, lists of events, and words."""

import json
from typing import Any

import pytest
from headway_lane.callback.event import ARRIVED, CallbackEvent, EventKind, read
from headway_lane.contract.exchange import Callback
from headway_lane.runtime.errors import Malformed


def callback(**changes: Any) -> Callback:
    words = {"job_id": "id", "status": "status", "success": ["done"], "failure": ["failed"], "verification": "none"}
    return Callback.from_document({name: value for name, value in (words | changes).items() if value is not None})


def events(said: Callback, body: Any) -> list[tuple[str, str, EventKind]]:
    text = body if isinstance(body, str) else json.dumps(body)
    return [(event.job_id, event.status, event.kind) for event in read(said, text.encode()).events]


@pytest.mark.parametrize(("job_id", "text"), [("job-1", "job-1"), (42, "42"), (0, "0")])
def test_job_ids_are_text_whatever_the_vendor_sends(job_id: str | int, text: str) -> None:
    nested = callback(job_id="data.object.id", status="type")
    assert events(nested, {"data": {"object": {"id": job_id}}, "type": "done"}) == [(text, "done", EventKind.SUCCESS)]


def test_the_job_id_is_at_the_first_of_its_places_that_is_there() -> None:
    said = callback(job_id=["request_id", "metadata.request_id"])
    assert events(said, {"request_id": "a", "metadata": {"request_id": "b"}, "status": "done"})[0][0] == "a"
    assert events(said, {"metadata": {"request_id": "b"}, "status": "done"})[0][0] == "b"
    with pytest.raises(Malformed, match=r"no job ID at `request_id` or `metadata\.request_id`"):
        read(said, b'{"status": "done"}')


def test_without_a_status_every_callback_is_a_success() -> None:
    said = callback(status=None, success=None, failure=None)
    assert events(said, {"id": "job-1", "results": []}) == [("job-1", ARRIVED, EventKind.SUCCESS)]


@pytest.mark.parametrize(
    ("value", "kind"), [(True, EventKind.SUCCESS), ("true", EventKind.SUCCESS), (False, EventKind.FAILURE)]
)
def test_a_boolean_is_a_word(value: Any, kind: EventKind) -> None:
    said = callback(status="success", success=["true"], failure=["false"])
    assert events(said, {"id": "job-1", "success": value})[0][2] is kind


def test_what_is_ignored_needs_no_job_id() -> None:
    said = callback(ignored=["other.event"], progress=["half"])
    assert events(said, {"status": "other.event"}) == [("", "other.event", EventKind.IGNORED)]
    assert events(said, {"id": "job-1", "status": "half"})[0][2] is EventKind.PROGRESS


def test_a_form_is_an_object_of_texts() -> None:
    said = callback(body="form", job_id="CallSid", status="CallStatus")
    [event] = read(said, b"CallSid=CA1&CallStatus=done&Note=Gr%C3%BC%C3%9Fe+dich&Empty=").events
    fields = {"CallSid": "CA1", "CallStatus": "done", "Note": "Grüße dich", "Empty": ""}
    assert event == CallbackEvent("CA1", "done", EventKind.SUCCESS, json.dumps(fields, ensure_ascii=False))
    with pytest.raises(Malformed, match="no job ID"):
        read(said, b"not a form")


def test_a_list_of_events_is_told_apart_and_each_keeps_its_own_part() -> None:
    said = callback(events="data.items", job_id="item.id", status="item.status")
    items = [{"item": {"id": "a", "status": "done"}}, {"item": {"id": "b", "status": "failed"}}]
    reading = read(said, json.dumps({"data": {"items": items}}).encode())
    assert [(event.job_id, event.kind) for event in reading.events] == [
        ("a", EventKind.SUCCESS),
        ("b", EventKind.FAILURE),
    ]
    assert [json.loads(event.body) for event in reading.events] == items
    assert reading.complaint is None


def test_an_event_that_cannot_be_read_costs_the_others_nothing() -> None:
    said = callback(events="items")
    items = [{"id": "a", "status": "exploded"}, "text", {"id": "b", "status": "done"}]
    reading = read(said, json.dumps({"items": items}).encode())
    assert [event.job_id for event in reading.events] == ["b"]
    assert str(reading.complaint) == "the callback's `status` is in none of the contract's lists"
    with pytest.raises(Malformed, match="in none of the contract's lists"):
        read(said, json.dumps({"items": items[:2]}).encode())


@pytest.mark.parametrize("body", ["{}", '{"items": []}', '{"items": {}}', '{"items": null}', "[]", "1"])
def test_a_callback_without_its_list_of_events_is_malformed(body: str) -> None:
    with pytest.raises(Malformed, match="no list of events at `items`"):
        read(callback(events="items"), body.encode())


def test_a_body_that_is_nested_without_end_is_malformed() -> None:
    with pytest.raises(Malformed, match="is not JSON"):
        read(callback(), b"[" * 100_000)


def test_however_deep_a_body_is_nested_it_is_read_or_malformed() -> None:
    def nested(depth: int) -> str:
        return f'{{"id": "job-1", "status": "done", "x": {"[" * depth}{"]" * depth}}}'

    def is_read(depth: int) -> bool:
        try:
            return bool(read(callback(), nested(depth).encode()).events)
        except Malformed:
            return False

    # Reading and writing end at depths of their own, which differ between versions of Python: look around both.
    shallow, deep = 1, 200_000
    while deep - shallow > 1:
        middle = (shallow + deep) // 2
        shallow, deep = (middle, deep) if is_read(middle) else (shallow, middle)
    assert {is_read(depth) for depth in range(deep - 20, deep + 40)} == {True, False}


@pytest.mark.parametrize("job_id", ["", "j" * 1_025, "ü" * 513, 10**1_024, "\ud83d"])
def test_a_job_id_that_can_be_no_key_is_none(job_id: str | int) -> None:
    with pytest.raises(Malformed, match="no job ID at `id`"):
        read(callback(), json.dumps({"id": job_id, "status": "done"}).encode())


@pytest.mark.parametrize("job_id", ["j" * 1_024, "ü" * 512, "\x00"])
def test_a_job_id_may_be_as_long_as_a_key_takes(job_id: str) -> None:
    assert events(callback(), {"id": job_id, "status": "done"})[0][0] == job_id


def test_nothing_is_kept_of_a_sign_of_life() -> None:
    [event] = read(callback(progress=["half"]), b'{"id": "job-1", "status": "half"}').events
    assert (event.kind, event.body) == (EventKind.PROGRESS, "")
