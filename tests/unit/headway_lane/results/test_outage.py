"""Polls that are held back for minutes, on a virtual clock: every result is had, none is given up."""

import heapq
import json
from collections.abc import Callable
from itertools import count

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.results_queue import write
from headway_lane.messages.waiter import Waiter
from headway_lane.results import handler
from headway_lane.runtime import clock

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, Worker, most_in_any_window, sqs_record, vendor_of

FETCHES_COUNT = 40
HELD_S = 300
SECOND_US = 1_000_000
POLLS_PER_S = 5
POLLS = {"quantity": "calls", "amount": POLLS_PER_S, "per_s": 1, "scope": "poll"}

Answer = Callable[[bool], httpx.Response | Exception]


def refusing(held: bool) -> httpx.Response:
    """Cool everybody down for all of the time."""
    return httpx.Response(429, headers={"Retry-After": str(HELD_S)}) if held else httpx.Response(200, json={"a": 1})


def broken(held: bool) -> httpx.Response:
    return httpx.Response(503 if held else 200, json={"a": 1})


def silent(held: bool) -> httpx.Response | Exception:
    return httpx.ReadTimeout("slow") if held else httpx.Response(200, json={"a": 1})


class Held:
    """A vendor that holds polls back until a moment; it notes when each came."""

    def __init__(self, worker: Worker, answer: Answer) -> None:
        self._worker = worker
        self._answer = answer
        self._until_us = worker.clock.now_us + HELD_S * SECOND_US
        self.came_us: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        del request
        now_us = self._worker.clock.now_us
        self.came_us.append(now_us)
        answer = self._answer(now_us < self._until_us)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("counted", [True, False], ids=["polls are counted", "polls are free"])
@pytest.mark.parametrize("answer", [refusing, broken, silent])
def test_no_result_is_given_up_while_polls_are_held_back_for_five_minutes(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, answer: Answer, counted: bool
) -> None:
    vendor = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], *([POLLS] if counted else [])]})
    held = Held(worker, answer)
    worker.profiles.contract = vendor
    monkeypatch.setattr(type(worker.vendor), "__call__", lambda _, request: held(request))
    monkeypatch.setattr(clock, "epoch_s", lambda: worker.clock.now_us / SECOND_US)
    began_us, order = worker.clock.now_us, count()
    heard_us = {f"token-{number}": began_us for number in range(FETCHES_COUNT)}
    worker.step_functions.waiting |= heard_us.keys()
    queue = [
        (began_us, next(order), write(Fetch(f"call-{number}", f"job-{number}", "succeeded", Waiter(token))))
        for number, token in enumerate(heard_us)
    ]
    while queue:  # one message at a time, when its delay is over
        due_us, _, body = heapq.heappop(queue)
        worker.clock.now_us = max(worker.clock.now_us, due_us)
        assert handler.find({"Records": [sqs_record(body)]}, LambdaContext()) == {"batchItemFailures": []}
        token = json.loads(body)["task_token"]
        assert worker.clock.now_us - heard_us[token] < vendor.fetch_heartbeat_s * SECOND_US, "the task has ended"
        heard_us[token] = worker.clock.now_us
        for message in worker.sqs.of("SendMessage"):
            at_us = worker.clock.now_us + message["DelaySeconds"] * SECOND_US
            heapq.heappush(queue, (at_us, next(order), message["MessageBody"]))
        worker.sqs.sent.clear()
    assert worker.step_functions.of("SendTaskFailure") == []
    assert len(worker.step_functions.of("SendTaskSuccess")) == FETCHES_COUNT
    assert max(heard_us.values()) - began_us < (HELD_S + 120) * SECOND_US, "and soon after the end"
    if counted:
        assert most_in_any_window(held.came_us, SECOND_US) <= POLLS_PER_S
        assert len(held.came_us) <= FETCHES_COUNT + 60, "hardly a question is wasted"
