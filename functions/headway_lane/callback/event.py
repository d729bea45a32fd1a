"""What a callback says (hop 10), read by its contract: one event, or several in one delivery."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from headway_lane.callback import body
from headway_lane.contract import paths
from headway_lane.contract.exchange import BodyFormat, Callback
from headway_lane.contract.signature import Coverage, Signature
from headway_lane.messages import json_text
from headway_lane.runtime.errors import Malformed
from headway_lane.verification import sns

EVENTS_COUNT: Final = 10_000
"""The most events of one callback."""
_FIRST: Final = re.compile(r"(?:^|\.)0(?=\.)")
"""Where a path goes into the first element of a list."""
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


def read(callback: Callback, raw: bytes) -> Reading:
    """Read a callback; Malformed where nothing in it can be read. Good events are not lost for a bad one."""
    wholes, complaint = body.documents(callback, raw)
    if callback.body is BodyFormat.SNS:
        if request := _subscription(wholes[0]):
            return Reading([request], None)
        wholes = [_published(wholes[0])]
    events = []
    for document in _documents(callback, wholes):
        try:
            events.append(_event(callback, document))
        except Malformed as error:
            complaint = complaint or error
    if complaint and not events:
        raise complaint
    return Reading(events, complaint)


def _documents(callback: Callback, wholes: Sequence[Any]) -> Sequence[Any]:
    """Return the events of a callback as documents. One without its list is a list of one: many writers drop it."""
    found = [document for whole in wholes for document in _of_one(callback, whole)]
    if not found:
        raise Malformed(f"the callback has no list of events at `{callback.events or ''}`")
    if len(found) > EVENTS_COUNT:
        raise Malformed(f"the callback has more than {EVENTS_COUNT:,} events")
    return found


def _of_one(callback: Callback, whole: Any) -> Sequence[Any]:
    if callback.events is None:
        return _elements(callback, whole)
    found = _at(callback, whole, callback.events) if callback.events else whole
    if isinstance(found, str):  # as Mandrill's form has it
        found = _inner(found)
    if isinstance(found, list):
        return found
    return [found] if isinstance(found, Mapping) and found else []


def _elements(callback: Callback, whole: Any) -> Sequence[Any]:
    """Return the events of a contract that names no list of them.

    A body that is a list is told apart. Where the job ID is said to be in the first element of a list (`data.0.id`),
    the others must not be lost without a word: each is read as if it were the first.
    """
    first = {_FIRST.split(path, maxsplit=1)[0] for path in callback.job_id if _FIRST.search(path)}
    if len(first) != 1 or not all(_FIRST.search(path) for path in callback.job_id):
        named = any(path.split(".")[0].isdecimal() for path in callback.job_id)
        return whole if isinstance(whole, list) and whole and not named else [whole]
    [before] = first
    found = paths.read(whole, before) if before else whole
    if not isinstance(found, list) or _names_another(callback.status, before):
        return [whole]
    try:
        return [paths.write(whole, before, [element]) if before else [element] for element in found]
    except ValueError:  # a list on the way, too
        return [whole]


def _names_another(path: str | None, before: str) -> bool:
    """Return whether a path goes to another place of the list than the first: then it is one event in places."""
    rest = (path or "").removeprefix(f"{before}." if before else "").split(".")[0]
    return bool(path) and rest.isdecimal() and int(rest) != 0


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
    status = ARRIVED if callback.status is None else paths.word(_at(callback, document, callback.status))
    if status in callback.ignored:
        return CallbackEvent("", status, EventKind.IGNORED, "")
    job_ids = (paths.identifier(_at(callback, document, path)) for path in callback.job_id)
    job_id = next((job_id for job_id in job_ids if job_id is not None), None)
    if job_id is None:
        raise Malformed(f"the callback has no job ID at {' or '.join(f'`{path}`' for path in callback.job_id)}")
    if status is None:
        raise Malformed(f"the callback has no status at `{callback.status}`")
    kind = _kind(callback, status)
    return CallbackEvent(job_id, status, kind, "" if kind is EventKind.PROGRESS else _body(document))


def _at(callback: Callback, document: Any, path: str) -> Any:
    """Return what is at a path of a callback.

    Also where a name has dots in it, and where a text on the way is JSON itself, as in a form's `payload`; but not
    where single fields are signed, because such a name is none of them.
    """
    found = paths.read(document, path)
    if found is not None or _are_fields_signed(callback):
        return found
    return next(_found(document, path.split(".")), None)


def _are_fields_signed(callback: Callback) -> bool:
    said = callback.verification
    return said == "adyen" or (isinstance(said, Signature) and said.coverage is Coverage.FIELDS)


def _found(value: Any, parts: Sequence[str]) -> Iterator[Any]:
    """Yield what the parts of a path lead to, by the shortest names first."""
    if not parts:
        if value is not None:
            yield value
        return
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = _inner(value)
    if isinstance(value, list):
        if parts[0].isdecimal() and int(parts[0]) < len(value):
            yield from _found(value[int(parts[0])], parts[1:])
    elif isinstance(value, Mapping):
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            if name in value:
                yield from _found(value[name], parts[count:])


def _inner(text: str) -> Any:
    try:
        return json_text.read(text)
    except ValueError:
        return None


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
