"""What a callback says (hop 10), read by its contract: one event, or several in one delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl

from headway_lane.contract import paths
from headway_lane.contract.exchange import BodyFormat, Callback
from headway_lane.messages import json_text
from headway_lane.runtime.errors import Malformed
from headway_lane.verification import sns

ARRIVED: Final = "arrived"
"""The status of an event of a vendor that says none: it is there."""


class EventKind(StrEnum):
    """What an event means for its job."""

    SUCCESS = "success"
    FAILURE = "failure"
    PROGRESS = "progress"
    IGNORED = "ignored"
    """About something that nobody here waits for."""
    SUBSCRIPTION = "subscription"
    """Not about a job: a sender asks whether it may send, at the address that is the event's body."""


@dataclass(frozen=True, slots=True)
class CallbackEvent:
    """What a callback says of one job: its status in the vendor's words, and the event as a JSON text; empty where
    nobody keeps it.
    """

    job_id: str
    status: str
    kind: EventKind
    body: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The events of a callback, and what was wrong with the first that could not be read; None where all could be."""

    events: Sequence[CallbackEvent]
    complaint: Malformed | None


def read(callback: Callback, body: bytes) -> Reading:
    """Read a callback; Malformed where nothing in it can be read. Good events are not lost for a bad one.

    Bytes that are no UTF-8 become U+FFFD: the signature was checked over the bytes, and a job must not wait for ever
    because of a character in its result.
    """
    whole = _parsed(callback, body.decode(errors="replace"))
    if callback.body is BodyFormat.SNS:
        if request := _subscription(whole):
            return Reading([request], None)
        whole = _published(whole)
    events, complaint = [], None
    for document in _documents(callback, whole):
        try:
            events.append(_event(callback, document))
        except Malformed as error:
            complaint = complaint or error
    if complaint and not events:
        raise complaint
    return Reading(events, complaint)


def _parsed(callback: Callback, text: str) -> Any:
    """Return a body as a document."""
    if callback.body is BodyFormat.FORM:
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return json_text.read(text)
    except ValueError as error:
        raise Malformed("the callback is not JSON") from error


def _documents(callback: Callback, whole: Any) -> Sequence[Any]:
    """Return the events of a callback as documents."""
    if callback.events is None:
        return [whole]
    documents = paths.read(whole, callback.events)
    if not isinstance(documents, list) or not documents:
        raise Malformed(f"the callback has no list of events at `{callback.events}`")
    return documents


def _subscription(message: Any) -> CallbackEvent | None:
    """Read what SNS says of a subscription, None where it says something else; ending one is nobody's business here."""
    try:
        kinds = {sns.CONFIRMATION: EventKind.SUBSCRIPTION, sns.NOTIFICATION: None}
        kind = kinds.get(message["Type"], EventKind.IGNORED)
        return CallbackEvent("", message["Type"], kind, str(message["SubscribeURL"])) if kind else None
    except (TypeError, KeyError) as error:
        raise Malformed("the callback is no message of Amazon SNS") from error


def _published(message: Any) -> Any:
    """Return the event that a vendor has published."""
    try:
        return json_text.read(message["Message"])
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed("the `Message` that SNS delivers is not JSON") from error


def _event(callback: Callback, document: Any) -> CallbackEvent:
    """Read one event by its contract; Malformed names what is missing or not in the contract's lists."""
    status = ARRIVED if callback.status is None else paths.word(paths.read(document, callback.status))
    if status in callback.ignored:
        return CallbackEvent("", status, EventKind.IGNORED, "")
    job_ids = (paths.identifier(paths.read(document, path)) for path in callback.job_id)
    job_id = next((job_id for job_id in job_ids if job_id is not None), None)
    if job_id is None:
        raise Malformed(f"the callback has no job ID at {' or '.join(f'`{path}`' for path in callback.job_id)}")
    if status is None:
        raise Malformed(f"the callback has no status at `{callback.status}`")
    kind = _kind(callback, status)
    return CallbackEvent(job_id, status, kind, "" if kind is EventKind.PROGRESS else _body(document))


def _body(document: Any) -> str:
    """Write an event as the ledger keeps it."""
    try:
        return json_text.tidy(document)
    except ValueError as error:
        raise Malformed("the event is nested too deeply") from error


def _kind(callback: Callback, status: str) -> EventKind:
    if callback.status is None or status in callback.success:
        return EventKind.SUCCESS
    if status in callback.failure:
        return EventKind.FAILURE
    if status in callback.progress:
        return EventKind.PROGRESS
    raise Malformed(f"the callback's `{callback.status}` is in none of the contract's lists")
