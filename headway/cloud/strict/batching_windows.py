"""An event source mapping gathers messages until its batch is full or its window is over; ministack takes ten at once.

AWS (botocore: CreateEventSourceMapping): a window is 0 to 300 s, a batch of a standard queue 10,000 messages at most,
and one of more than ten needs a window of a second; FIFO queues have no window and ten messages at most. Messages are
out of sight from the moment that they are received. With a window a batch goes, too, when its payload comes to 6 MB,
the most of an invocation ("Polling and batching", Lambda developer guide); bodies and attributes are counted here,
which are nearly all of it.

ministack's receive for mappings is wrapped: what was received waits here.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from ministack.core.concurrency import esm_wake
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, sqs
from ministack.services.cloudformation import provisioners

RECEIVE_COUNT: Final = 10
"""The most of one receive, and of a batch without a window (botocore: `ReceiveMessageRequest`)."""
BATCH_COUNT: Final = 10_000
PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""The most of a synchronous invocation (Lambda quotas: 6 MB)."""
WINDOW_S: Final = 300
MAPPING: Final = "AWS::Lambda::EventSourceMapping"


def problem(source_arn: str, batch_count: int, window_s: int) -> str | None:
    """Return why Lambda refuses such a mapping of a queue, or None."""
    if ":sqs:" not in source_arn:
        return None
    fifo = source_arn.endswith(".fifo")
    most = RECEIVE_COUNT if fifo else BATCH_COUNT
    if not 1 <= batch_count <= most:
        return f"BatchSize {batch_count} is not between 1 and {most}."
    if not 0 <= window_s <= WINDOW_S:
        return f"MaximumBatchingWindowInSeconds {window_s} is not between 0 and {WINDOW_S}."
    if fifo and window_s:
        return "Batching window is not supported for FIFO queues."
    if batch_count > RECEIVE_COUNT and not window_s:
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    return None


@dataclass(slots=True)
class Gathering:
    """A batch that is not full, and the moment when it goes nevertheless."""

    until_s: float
    messages: list[dict[str, Any]] = field(default_factory=list)

    def still_out_of_sight(self, now_s: float) -> list[dict[str, Any]]:
        """Return what no other receive can have taken meanwhile."""
        return [message for message in self.messages if message["visible_at"] > now_s]


def gather(
    gathering: Gathering, receive: Callable[[int], list[dict[str, Any]]], batch_count: int, now_s: float
) -> list[dict[str, Any]]:
    """Receive what fits, and return the batch when it is due, else nothing. What is too much for one invocation stays,
    and is due.
    """
    gathering.messages = gathering.still_out_of_sight(now_s)
    while (missing := batch_count - len(gathering.messages)) > 0:
        received = receive(min(missing, RECEIVE_COUNT))
        known = {message["id"] for message in gathering.messages}
        gathering.messages += [message for message in received if message["id"] not in known]
        if len(received) < min(missing, RECEIVE_COUNT):
            break
    fitting = fitting_count(gathering.messages)
    if len(gathering.messages) < batch_count and fitting == len(gathering.messages) and now_s < gathering.until_s:
        return []
    batch, gathering.messages = gathering.messages[:fitting], gathering.messages[fitting:]
    gathering.until_s = now_s
    return batch


def fitting_count(messages: Sequence[Mapping[str, Any]]) -> int:
    """Return how many messages one invocation takes, the first of them in any case."""
    sums = accumulate(len(json.dumps([each.get("body"), each.get("message_attributes")])) for each in messages)
    return max(1, sum(total <= PAYLOAD_BYTES for total in sums)) if messages else 0


def apply() -> None:
    """Gather where a mapping has a window, and refuse mappings that AWS refuses."""
    _gather_in_windows()
    _refuse_in_api()
    _refuse_in_templates()


def _gather_in_windows() -> None:
    receive = sqs._receive_messages_for_esm
    gatherings: dict[str, Gathering] = {}

    def receive_in_windows(queue_url: str, batch_count: int) -> list[dict[str, Any]]:
        window_s = _window_s(queue_url)
        if not window_s:
            return list(receive(queue_url, batch_count))
        now_s = time.time()
        gathering = gatherings.get(queue_url) or Gathering(now_s + window_s)
        batch = gather(gathering, lambda count: receive(queue_url, count), batch_count, now_s)
        if not gathering.messages:
            gatherings.pop(queue_url, None)
        elif batch or queue_url not in gatherings:
            gatherings[queue_url] = gathering
            alarm = threading.Timer(0 if batch else window_s, esm_wake.set)
            alarm.daemon = True
            alarm.start()
        return batch

    sqs._receive_messages_for_esm = receive_in_windows


def _window_s(queue_url: str) -> int:
    """Return the window of a queue's mapping."""
    arn = sqs._get_q(queue_url)["attributes"]["QueueArn"]
    for mapping in lambda_svc._esms.values():
        if mapping["EventSourceArn"] == arn and mapping.get("Enabled", True):
            return int(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    return 0


def _numbers(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[int, int]:
    merged = {"BatchSize": RECEIVE_COUNT, "MaximumBatchingWindowInSeconds": 0, **current, **wanted}
    return int(merged["BatchSize"]), int(merged["MaximumBatchingWindowInSeconds"])


def _refuse_in_api() -> None:
    create, update = lambda_svc._create_esm, lambda_svc._update_esm

    def create_checked(data: dict[str, Any]) -> Any:
        if reason := problem(data.get("EventSourceArn", ""), *_numbers(data, {})):
            return error_response_json("InvalidParameterValueException", reason, 400)
        return create(data)

    def update_checked(uuid: str, data: dict[str, Any]) -> Any:
        current = lambda_svc._esms.get(uuid) or {}
        if reason := problem(current.get("EventSourceArn", ""), *_numbers(data, current)):
            return error_response_json("InvalidParameterValueException", reason, 400)
        return update(uuid, data)

    lambda_svc._create_esm, lambda_svc._update_esm = create_checked, update_checked


def _refuse_in_templates() -> None:
    handlers = provisioners._RESOURCE_HANDLERS[MAPPING]
    create, update = handlers["create"], handlers["update"]

    def create_checked(logical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        _raise_where_refused(properties)
        return create(logical_id, properties, *rest)

    def update_checked(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        _raise_where_refused(new)
        return update(physical_id, old, new, *rest)

    handlers.update(create=create_checked, update=update_checked)


def _raise_where_refused(properties: Mapping[str, Any]) -> None:
    if reason := problem(properties.get("EventSourceArn", ""), *_numbers(properties, {})):
        raise ValueError(f"InvalidParameterValueException: {reason}")
