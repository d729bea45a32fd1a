"""A standard queue gives quiet message groups precedence, as SQS's fair queues do; ministack gives in order of arrival.

This order is a model of what AWS documents, not AWS's own: it knows no thresholds for noise. Groups with the fewest
messages in flight come first, of those the one that waits longest since its last message, and within a group the order
of arrival holds. A message without a group is a tenant of its own, as on AWS.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, MutableMapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Any, Final

from ministack.services import sqs

SERVED: Final = "headway_served"
"""Key of a queue of ministack: group -> number of its last turn."""


def in_turn(
    messages: Sequence[Mapping[str, Any]], count: int, now_s: float, served: Mapping[str, int]
) -> list[Mapping[str, Any]]:
    """Choose at most `count` visible messages, first those of the groups whose turn it is; one pass over all.

    `messages` are ministack's, in order of arrival; `served` says of each group which turn was its last.
    """
    in_flight: Counter[str] = Counter()
    waiting: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for message in messages:
        group = group_of(message)
        if message.get("visible_at", 0.0) <= now_s:
            if len(waiting[group]) < count:
                waiting[group].append(message)
        elif message.get("receive_count", 0):
            in_flight[group] += 1
    turns = [(in_flight[group], served.get(group, 0), place, group, 0) for place, group in enumerate(waiting)]
    heapify(turns)
    chosen: list[Mapping[str, Any]] = []
    while turns and len(chosen) < count:
        flying, last, place, group, taken = turns[0]
        chosen.append(waiting[group][taken])
        if taken + 1 < len(waiting[group]):
            heapreplace(turns, (flying + 1, last, place, group, taken + 1))
        else:
            heappop(turns)
    return chosen


def group_of(message: Mapping[str, Any]) -> str:
    """Return a message's group, or a name of its own for one without: no group has a space in it."""
    return message.get("group_id") or f"message {message['id']}"


def apply() -> None:
    """Let both ways of receiving, the API's and the event source mappings', choose in turn."""
    collect = sqs._collect_msgs

    def collect_in_turn(queue: MutableMapping[str, Any], count: int, visibility_s: int) -> Any:
        messages = queue["messages"]
        groups = {message.get("group_id") for message in messages} - {None}
        if queue["is_fifo"] or not groups:
            return collect(queue, count, visibility_s)
        # A group that has nothing left in the queue is forgotten: it is quiet again.
        served = {group: turn for group, turn in queue.get(SERVED, {}).items() if group in groups}
        chosen = in_turn(messages, count, time.time(), served)
        first = max(served.values(), default=0) + 1
        served.update((message["group_id"], turn) for turn, message in enumerate(chosen, first) if message["group_id"])
        queue[SERVED] = served
        return collect({**queue, "messages": chosen}, count, visibility_s)

    sqs._collect_msgs = collect_in_turn
