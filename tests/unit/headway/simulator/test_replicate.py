"""Replicate's shape without a network: its routes and its callbacks both go through httpx transports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from headway.simulator.keys import VendorKeys
from headway.simulator.offer import Offer
from headway.simulator.rate import Rate
from headway.simulator.simulator import Simulator
from headway.simulator.vendor_report import CallbackReport, InFlightReport, ScopeReport

KEYS = VendorKeys(api_token="hw_test", webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ALL_EVENTS = {"start", "logs", "completed"}


@dataclass
class Receiver:
    """Takes callbacks, answers with `statuses` in turn and then 202, and remembers what verified."""

    statuses: list[int] = field(default_factory=list)
    verified: list[dict[str, Any]] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    forged_count: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        try:
            body = Webhook(KEYS.webhook_secret).verify(request.content, dict(request.headers))
        except WebhookVerificationError:
            self.forged_count += 1
            return httpx.Response(401)
        self.verified.append(body)
        self.message_ids.append(request.headers["webhook-id"])
        return httpx.Response(self.statuses.pop(0) if self.statuses else 202)


@dataclass
class Bench:
    """A simulator, the client that calls it and the receiver it calls."""

    simulator: Simulator
    http: httpx.AsyncClient
    receiver: Receiver = field(default_factory=Receiver)

    async def submit(self, number: int = 1, *, key: str | None = None, **body: Any) -> httpx.Response:
        order = {"version": "v", "input": {"n": number}, "webhook": "http://receiver.test/hook", **body}
        return await self.http.post(
            "/v1/predictions", json=order, headers={} if key is None else {"idempotency-key": key}
        )

    async def faults(self, **faults: Any) -> httpx.Response:
        return await self.http.post("/_headway/faults", json=faults)

    def submits(self) -> ScopeReport:
        return self.simulator.report().scopes["submit"]

    def callbacks(self) -> CallbackReport:
        return self.simulator.report().callbacks

    async def settled(self, message_count: int) -> None:
        """Let tasks run until so many callbacks are delivered or given up."""
        async with asyncio.timeout(5):
            while self.callbacks().delivered_count + self.callbacks().failed_count < message_count:
                await asyncio.sleep(0)


@asynccontextmanager
async def bench(**changes: Any) -> AsyncIterator[Bench]:
    """Every delay nil and the contract out of the way, unless `changes` say otherwise."""
    quick: dict[str, Any] = {"keys": KEYS, "submit": Rate(100, 60), "poll": Rate(1000, 60)}
    quick |= {"job_time_s": 0.0, "answer_time_s": 0.0, "callback_backoff_s": 0.0}
    receiver = Receiver()
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as callback_client:
        simulator = Simulator(Offer(**{**quick, **changes}), client=callback_client)
        async with (
            simulator.app.router.lifespan_context(simulator.app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=simulator.app),
                base_url="http://vendor.test",
                headers={"authorization": f"Bearer {KEYS.api_token}"},
            ) as http,
        ):
            yield Bench(simulator, http, receiver)


def test_a_submit_is_answered_201_with_a_starting_prediction() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            response = await vendor.submit(7)
            body = response.json()
            assert response.status_code == 201
            assert (body["status"], body["input"], body["output"]) == ("starting", {"n": 7}, None)
            assert body["urls"]["get"] == f"http://vendor.test/v1/predictions/{body['id']}"
            assert body["urls"]["cancel"] == body["urls"]["get"] + "/cancel"

    asyncio.run(scenario())


def test_the_result_is_of_that_call_and_can_be_fetched() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            url = (await vendor.submit(7)).json()["urls"]["get"]
            await vendor.settled(3)
            body = (await vendor.http.get(url)).json()
            assert (body["status"], body["output"]) == ("succeeded", {"echo": {"n": 7}})
            assert body["metrics"]["predict_time"] >= 0
            assert vendor.simulator.report().jobs_by_status == {"succeeded": 1}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [(None, ALL_EVENTS), (["completed"], {"completed"}), (["start", "completed"], {"start", "completed"}), ([], set())],
)
def test_only_the_events_asked_for_are_announced(wanted: list[str] | None, sent: set[str]) -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            job_id = (await vendor.submit(webhook_events_filter=wanted)).json()["id"]
            await vendor.settled(len(sent))
            assert set(vendor.receiver.message_ids) == {f"msg_{job_id}_{event}" for event in sent}
            statuses = {body["status"] for body in vendor.receiver.verified}
            assert statuses <= {"processing", "succeeded"}

    asyncio.run(scenario())


def test_a_call_without_the_token_is_401_and_still_counted() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            response = await vendor.http.post("/v1/predictions", headers={"authorization": "Bearer no"})
            assert response.status_code == 401
            assert response.json()["title"] == "Unauthenticated"
            assert vendor.submits().call_count == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "field_name"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ("{}", "input"),
        ('{"input": {}}', "version"),
        ('{"input": {}, "version": "v", "webhook": "ftp://x"}', "webhook"),
        ('{"input": {}, "version": "v", "webhook": 5}', "webhook"),
        ('{"input": {}, "version": "v", "webhook_events_filter": ["finished"]}', "webhook_events_filter"),
    ],
)
def test_a_malformed_body_is_422_and_names_the_field(body: str, field_name: str) -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            response = await vendor.http.post("/v1/predictions", content=body)
            assert response.status_code == 422
            assert field_name in response.json()["detail"]

    asyncio.run(scenario())


def test_an_unknown_prediction_is_404() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            assert (await vendor.http.get("/v1/predictions/unknown")).status_code == 404
            assert (await vendor.http.post("/v1/predictions/unknown/cancel")).status_code == 404

    asyncio.run(scenario())


def test_calls_beyond_the_contract_are_429_with_retry_after_and_polls_count_apart() -> None:
    async def scenario() -> None:
        async with bench(submit=Rate(2, 60)) as vendor:
            responses = [await vendor.submit(n) for n in range(4)]
            assert [response.status_code for response in responses] == [201, 201, 429, 429]
            assert responses[-1].headers["retry-after"] == "60"
            assert responses[-1].json()["detail"].startswith("Request was throttled")
            assert (await vendor.http.get(responses[0].json()["urls"]["get"])).status_code == 200
            seen = vendor.submits()
            assert (seen.call_count, seen.admitted_count, seen.refused_count) == (4, 2, 2)
            assert (seen.worst_window_count, seen.violation_count) == (4, 2)
            assert vendor.simulator.report().scopes["poll"].call_count == 1

    asyncio.run(scenario())


def test_jobs_beyond_those_in_flight_are_429_until_one_ends_and_are_counted() -> None:
    async def scenario() -> None:
        async with bench(in_flight=2, job_time_s=60) as vendor:
            responses = [await vendor.submit(n, key=f"k{n}") for n in range(4)]
            assert [response.status_code for response in responses] == [201, 201, 429, 429]
            assert responses[-1].headers["retry-after"] == "1"
            assert (await vendor.submit(key="k1")).status_code == 201, "a job that it has already is none more"
            await vendor.http.post(responses[0].json()["urls"]["cancel"])
            assert (await vendor.submit(4)).status_code == 201
            assert vendor.simulator.report().jobs_in_flight == InFlightReport(2, 3, 2)
            document = (await vendor.http.get("/_headway/report")).json()
            assert document["jobs_in_flight"] == {"limit": 2, "worst_count": 3, "violation_count": 2}
            await vendor.http.post("/_headway/reset")
            assert vendor.simulator.report().jobs_in_flight == InFlightReport(2, 0, 0)

    asyncio.run(scenario())


def test_without_a_limit_jobs_in_flight_are_counted_and_never_refused() -> None:
    async def scenario() -> None:
        async with bench(job_time_s=60) as vendor:
            assert {(await vendor.submit(n)).status_code for n in range(4)} == {201}
            assert vendor.simulator.report().jobs_in_flight == InFlightReport(None, 4, 0)

    asyncio.run(scenario())


def test_a_repeated_idempotency_key_gives_the_same_prediction_and_no_second_job() -> None:
    async def scenario() -> None:
        async with bench(answer_time_s=0.01) as vendor:
            first, second = await asyncio.gather(vendor.submit(key="k"), vendor.submit(key="k"))
            assert (first.status_code, second.status_code) == (201, 201)
            assert first.json()["id"] == second.json()["id"]
            await vendor.settled(3)
            report = vendor.simulator.report()
            assert (report.repeated_idempotency_key_count, report.payload_submitted_twice_count) == (1, 0)
            assert report.jobs_by_status == {"succeeded": 1}
            assert len(vendor.receiver.verified) == 3

    asyncio.run(scenario())


def test_a_payload_submitted_twice_is_work_paid_for_again() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            first, second = await vendor.submit(1), await vendor.submit(1)
            await vendor.submit(2)
            assert first.json()["id"] != second.json()["id"]
            assert vendor.simulator.report().payload_submitted_twice_count == 1

    asyncio.run(scenario())


def test_the_seed_decides_which_jobs_fail() -> None:
    async def ends(seed: int) -> list[str]:
        async with bench(fail_ratio=0.5, seed=seed) as vendor:
            for number in range(20):
                await vendor.submit(number, webhook_events_filter=["completed"])
            await vendor.settled(20)
            ordered = sorted(vendor.receiver.verified, key=lambda body: int(body["input"]["n"]))
            assert all((body["output"] is None) == (body["status"] == "failed") for body in ordered)
            return [body["status"] for body in ordered]

    assert asyncio.run(ends(1)) == asyncio.run(ends(1))
    assert set(asyncio.run(ends(1))) == {"succeeded", "failed"}


def test_a_cancelled_prediction_ends_once() -> None:
    async def scenario() -> None:
        async with bench(job_time_s=0.02) as vendor:
            urls = (await vendor.submit(webhook_events_filter=["completed"])).json()["urls"]
            assert (await vendor.http.post(urls["cancel"])).json()["status"] == "canceled"
            assert (await vendor.http.post(urls["cancel"])).json()["status"] == "canceled"
            await asyncio.sleep(0.04)
            assert [body["status"] for body in vendor.receiver.verified] == ["canceled"]

    asyncio.run(scenario())


def test_a_callback_is_retried_until_the_receiver_takes_it() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            vendor.receiver.statuses = [500, 404]
            await vendor.submit(webhook_events_filter=["completed"])
            await vendor.settled(1)
            assert vendor.callbacks() == CallbackReport(delivered_count=1, attempt_count=3)
            assert len(set(vendor.receiver.message_ids)) == 1

    asyncio.run(scenario())


def test_a_callback_is_given_up_after_the_bounded_attempts() -> None:
    async def scenario() -> None:
        async with bench(callback_attempts=3) as vendor:
            vendor.receiver.statuses = [500] * 9
            await vendor.submit(webhook_events_filter=["completed"])
            await vendor.settled(1)
            assert vendor.callbacks() == CallbackReport(failed_count=1, attempt_count=3)

    asyncio.run(scenario())


def test_an_early_callback_comes_before_the_submit_is_answered_and_only_once() -> None:
    async def scenario() -> None:
        async with bench(job_time_s=30.0) as vendor:
            await vendor.faults(early_callbacks=True)
            response = await vendor.submit(webhook_events_filter=["completed"])
            assert response.json()["status"] == "starting"
            assert [body["status"] for body in vendor.receiver.verified] == ["succeeded"]

    asyncio.run(scenario())


def test_forged_copies_do_not_verify_and_duplicates_repeat_the_message_id() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            await vendor.faults(forged_copies=True, duplicate_callbacks=True)
            await vendor.submit(webhook_events_filter=["completed"])
            await vendor.settled(1)
            await asyncio.sleep(0.01)
            assert vendor.receiver.forged_count == 1
            assert len(vendor.receiver.message_ids) == 2
            assert len(set(vendor.receiver.message_ids)) == 1
            assert vendor.callbacks() == CallbackReport(
                delivered_count=1, attempt_count=1, duplicate_count=1, forged_count=1
            )

    asyncio.run(scenario())


def test_a_vendor_that_is_down_answers_503_and_goes_on_counting() -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            await vendor.faults(down=True)
            assert (await vendor.submit()).status_code == 503
            assert (await vendor.http.get("/_headway/health")).status_code == 200
            await vendor.faults(down=False)
            assert (await vendor.submit()).status_code == 201
            assert vendor.submits().call_count == 2

    asyncio.run(scenario())


def test_submits_can_be_refused_inside_the_contract() -> None:
    async def scenario() -> None:
        async with bench(submit=Rate(1, 60)) as vendor:
            await vendor.faults(refuse_next=2, retry_after_s=7)
            responses = [await vendor.submit() for _ in range(3)]
            assert [response.status_code for response in responses] == [429, 429, 201]
            assert responses[0].headers["retry-after"] == "7"

    asyncio.run(scenario())


@pytest.mark.parametrize("faults", [{"unknown": True}, {"down": 1}, {"refuse_next": True}, {"refuse_next": "5"}])
def test_an_unknown_fault_is_refused_and_nothing_is_changed(faults: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with bench() as vendor:
            response = await vendor.faults(early_callbacks=True, **faults)
            assert response.status_code == 422
            assert (await vendor.faults()).json()["early_callbacks"] is False

    asyncio.run(scenario())


def test_the_report_gives_arrivals_on_request_and_a_reset_forgets_everything() -> None:
    async def scenario() -> None:
        async with bench(job_time_s=30.0) as vendor:
            await vendor.faults(refuse_next=5)
            await vendor.submit()
            short = (await vendor.http.get("/_headway/report")).json()
            full = (await vendor.http.get("/_headway/report?arrivals=1")).json()
            assert "arrivals_epoch_ms" not in short["scopes"]["submit"]
            assert len(full["scopes"]["submit"]["arrivals_epoch_ms"]) == 1
            assert (await vendor.http.post("/_headway/reset")).status_code == 204
            assert vendor.submits().call_count == 0
            assert vendor.simulator.report().jobs_by_status == {}
            assert (await vendor.submit()).status_code == 201

    asyncio.run(scenario())


def test_the_report_gives_one_field_of_each_accepted_payload_in_order_and_only_on_request() -> None:
    async def scenario() -> None:
        async with bench(job_time_s=30.0) as vendor:
            await vendor.submit(2)
            await vendor.faults(refuse_next=1)
            await vendor.submit(9)
            await vendor.submit(1)
            assert "tags" not in (await vendor.http.get("/_headway/report")).json()
            assert (await vendor.http.get("/_headway/report?tags=n")).json()["tags"] == [2, 1]
            assert (await vendor.http.get("/_headway/report?tags=none")).json()["tags"] == [None, None]

    asyncio.run(scenario())
