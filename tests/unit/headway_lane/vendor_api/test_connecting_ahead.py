"""When a connection is made ahead: while a call gets ready, before its slot, and before the ledger says `sending`."""

import httpx
import pytest
from headway_lane.caller import handler
from headway_lane.ledger.record import CallState
from headway_lane.limiter.turn import Unpaced
from headway_lane.runtime.warm_up import WARM_UP
from headway_lane.vendor_api.poll import poll
from headway_lane.vendor_api.proxy import Proxy
from headway_lane.vendor_api.warm_connection import WarmClient

from tests.unit.headway_lane.fakes import NOW_MS, TOKEN, FakeVendor, Worker, invocation, queued_call, request_of

SLOT_US = NOW_MS * 1_000 + 400_000


def call(worker: Worker) -> None:
    handler.call(queued_call(worker, {"slot_us": SLOT_US, "number": 0, "generation": 0}), invocation("invocation-1"))


@pytest.fixture
def connecting(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> list[tuple[CallState, bool]]:
    """Note what the ledger says, and whether the slot was still to come, whenever a connection is made ahead."""
    noted: list[tuple[CallState, bool]] = []

    def note(proxy: Proxy) -> None:
        found = worker.ledger.find(request_of("call-1").call_id)
        assert found is not None
        noted.append((found.state, worker.clock.now_us < SLOT_US))

    monkeypatch.setattr(Proxy, "connect_ahead", note)
    return noted


def test_a_submit_connects_before_its_slot_and_before_the_ledger_says_that_it_is_sent(
    worker: Worker, connecting: list[tuple[CallState, bool]]
) -> None:
    call(worker)
    assert connecting == [(CallState.DISPATCHING, True)]


def test_nobody_connects_for_a_task_that_has_ended(worker: Worker, connecting: list[tuple[CallState, bool]]) -> None:
    worker.step_functions.end(TOKEN)
    call(worker)
    assert connecting == []


def test_a_poll_connects_before_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, order = FakeVendor(httpx.Response(200, json={})), []
    monkeypatch.setattr(Proxy, "connect_ahead", lambda proxy: order.append(len(vendor.requests)))
    poll(vendor.proxy(), "GET", "/v1/jobs/1", 10, Unpaced())
    assert (order, len(vendor.requests)) == ([0], 1)


def test_the_proxy_of_a_worker_connects_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[WarmClient] = []
    monkeypatch.setattr(WarmClient, "connect_ahead", lambda client: connected.append(client))
    with WarmClient("https://proxy.example/live") as client:
        Proxy(client, None, None).connect_ahead()
    assert connected == [client]


def test_a_worker_that_is_warmed_up_connects(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Proxy] = []
    monkeypatch.setattr(Proxy, "connect_ahead", lambda proxy: connected.append(proxy))
    assert handler.call({WARM_UP: 0}, invocation("invocation-1")) == {}
    assert (len(connected), worker.vendor.requests) == (1, [])
