"""A vendor that the simulator plays from its contract alone, without a network."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from headway_cdk.configuration import load_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.callback import event
from headway_lane.callback.event import EventKind
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.turn import Unpaced
from headway_lane.runtime.errors import InDoubt, RetryLater
from headway_lane.vendor_api.lookup import job_of_key
from headway_lane.vendor_api.proxy import Proxy
from headway_lane.vendor_api.submission import submission_of
from headway_lane.vendor_api.submit import submit

from headway.simulator.keys import VendorKeys
from headway.simulator.offer import Offer
from headway.simulator.rate import Rate
from headway.simulator.simulator import Role, Simulator

KEYS = VendorKeys(api_token="name:password", webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ACCOUNT_URL = "http://receiver.test/account"
HOOK_URL = "http://receiver.test/hook"
Contract = Mapping[str, Any]


@dataclass
class Bench:
    """A simulator, a client with the account's token, and what was called back."""

    simulator: Simulator
    http: httpx.AsyncClient
    vendor: Vendor
    posted: list[httpx.Request] = field(default_factory=list)

    async def submit(self, **words: Any) -> httpx.Response:
        submit = self.vendor.submit
        return await self.http.request(submit.method, submit.path, **words)

    async def events(self, count: int) -> list[tuple[str, EventKind]]:
        """Wait for so many callbacks, and read them as Headway would."""
        async with asyncio.timeout(5):
            while len(self.posted) < count:
                await asyncio.sleep(0)
        assert self.vendor.callback is not None
        reads = [event.read(self.vendor.callback, request.content) for request in self.posted]
        return [(one.job_id, one.kind) for reading in reads for one in reading.events]


@asynccontextmanager
async def bench(
    name: str, changed: Callable[[Contract], Contract] = lambda contract: contract, **changes: Any
) -> AsyncIterator[Bench]:
    contract = changed(load_contract(CONFIGURATION / "presets" / f"{name}.yaml"))
    quick: dict[str, Any] = {"keys": KEYS, "submit": Rate(100, 60), "job_time_s": 0.0, "answer_time_s": 0.0}
    posted: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        posted.append(request)
        return httpx.Response(202)

    async with httpx.AsyncClient(transport=httpx.MockTransport(receive)) as callback_client:
        simulator = Simulator(Offer(**{**quick, **changes}), role=Role.described(contract), client=callback_client)
        simulator.account.callback_url = ACCOUNT_URL
        vendor = Vendor.from_document(contract)
        credential = vendor.credential
        assert credential is not None
        async with (
            simulator.app.router.lifespan_context(simulator.app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=simulator.app),
                base_url="http://vendor.test",
                headers={credential.header: credential.value(KEYS.api_token)},
            ) as http,
        ):
            yield Bench(simulator, http, vendor, posted)


def test_a_form_is_read_and_called_back_as_a_form() -> None:
    async def scenario() -> None:
        async with bench("twilio") as vendor:
            url = "http://receiver.test/hook"
            answer = await vendor.submit(data={"To": "+1555", "StatusCallback": url})
            job_id = answer.json()["sid"]
            assert answer.status_code == 201
            assert await vendor.events(2) == [(job_id, EventKind.PROGRESS), (job_id, EventKind.SUCCESS)]
            assert str(vendor.posted[0].url) == url
            assert parse_qs(vendor.posted[0].content.decode())["CallSid"] == [job_id]
            assert vendor.simulator.report().jobs_by_status == {"succeeded": 1}
            result = await vendor.http.get(f"/2010-04-01/Accounts/your-account-sid/Calls/{job_id}.json")
            assert result.json()["output"] == {"echo": {"To": "+1555"}}

    asyncio.run(scenario())


def test_a_vendor_with_an_account_calls_back_where_that_says_with_the_event_in_a_list() -> None:
    async def scenario() -> None:
        async with bench("adyen", fail_ratio=1.0) as vendor:
            job_id = (await vendor.submit(json={"amount": 1})).json()["pspReference"]
            assert await vendor.events(1) == [(job_id, EventKind.FAILURE)]
            assert str(vendor.posted[0].url) == ACCOUNT_URL
            [item] = json.loads(vendor.posted[0].content)["notificationItems"]
            assert item["NotificationRequestItem"]["success"] == "false"

    asyncio.run(scenario())


def test_a_url_in_the_query_and_a_result_in_the_callback() -> None:
    async def scenario() -> None:
        async with bench("deepgram", fail_ratio=1.0) as vendor:
            answer = await vendor.submit(json={"url": "a"}, params={"callback": "http://receiver.test/q"})
            assert await vendor.events(1) == [(answer.json()["request_id"], EventKind.SUCCESS)], (
                "it has no word for failure"
            )
            assert json.loads(vendor.posted[0].content)["output"] == {"echo": {"url": "a"}}
            assert vendor.posted[0].headers["dg-token"] == KEYS.webhook_secret

    asyncio.run(scenario())


def test_the_account_is_checked_token_and_key() -> None:
    async def scenario() -> None:
        async with bench("assemblyai") as vendor:
            body = {"webhook_url": "http://receiver.test/hook", "webhook_auth_header_value": "wrong"}
            assert (await vendor.submit(json=body)).status_code == 422
            body["webhook_auth_header_value"] = KEYS.webhook_secret
            assert (await vendor.submit(json=body)).status_code == 201
            assert (await vendor.submit(json=body, headers={"authorization": "other"})).status_code == 401
            assert (await vendor.http.get("/v2/transcript/unknown")).status_code == 404
            assert (await vendor.submit(content=b"[]")).status_code == 422

    asyncio.run(scenario())


def test_the_contract_is_kept_at_the_door() -> None:
    async def scenario() -> None:
        async with bench("generic", submit=Rate(1, 60), job_time_s=9.0) as vendor:
            body = {"callback_url": "http://receiver.test/hook"}
            assert (await vendor.submit(json=body)).status_code == 201
            refused = await vendor.submit(json=body)
            assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
            await vendor.http.post("/_headway/faults", json={"down": True})
            assert (await vendor.submit(json=body)).status_code == 503

    asyncio.run(scenario())


def test_a_repeated_idempotency_key_is_the_same_job() -> None:
    async def scenario() -> None:
        async with bench("generic", job_time_s=9.0) as vendor:
            headers = {"Idempotency-Key": "key-1"}
            answers = [await vendor.submit(json={"n": 1}, headers=headers) for _ in range(2)]
            assert len({answer.json()["id"] for answer in answers}) == 1
            assert vendor.simulator.report().payload_submitted_twice_count == 0

    asyncio.run(scenario())


def test_a_poll_is_answered_in_the_contracts_words() -> None:
    async def scenario() -> None:
        async with bench("generic", fail_ratio=1.0) as vendor:
            body = {"callback_url": "http://receiver.test/hook"}
            job_id = (await vendor.submit(json=body)).json()["id"]
            await vendor.events(2)
            answer = await vendor.http.get(f"/v1/jobs/{job_id}")
            assert answer.json() == {"job": job_id, "status": "failed"}
            await vendor.http.post("/_headway/faults", json={"lost_jobs": True})
            assert (await vendor.http.get(f"/v1/jobs/{job_id}")).status_code == 404

    asyncio.run(scenario())


def test_a_share_of_the_submits_is_answered_with_errors_and_no_job_is_doubled_or_forgotten() -> None:
    async def scenario() -> None:
        async with bench("generic", submit=Rate(10_000, 1)) as vendor:
            await vendor.http.post("/_headway/faults", json={"error_ratio": 0.5})
            statuses: list[int] = []
            for number in range(40):
                body, key = {"n": number, "callback_url": "http://receiver.test/hook"}, {"Idempotency-Key": f"{number}"}
                statuses.append(0)
                while statuses[-1] != 201:
                    statuses.append((await vendor.submit(json=body, headers=key)).status_code)
            assert set(statuses) == {0, 201, 500, 503}
            report = vendor.simulator.report()
            assert (sum(report.jobs_by_status.values()), report.payload_submitted_twice_count) == (40, 0)
            assert len({job_id for job_id, kind in await vendor.events(80) if kind is EventKind.SUCCESS}) == 40

    asyncio.run(scenario())


@pytest.mark.parametrize(("fault", "answered"), [("slow_answer_s", False), ("slow_job_s", True)])
def test_an_answer_comes_late_behind_its_early_callbacks_and_a_job_takes_long(fault: str, answered: bool) -> None:
    async def scenario() -> None:
        async with bench("generic") as vendor:
            await vendor.http.post("/_headway/faults", json={fault: 9.0, "early_callbacks": not answered})
            submitted = asyncio.ensure_future(vendor.submit(json={"callback_url": HOOK_URL}))
            for _ in range(200):
                await asyncio.sleep(0)
            assert submitted.done() is answered
            assert vendor.simulator.report().jobs_by_status == {"processing" if answered else "succeeded": 1}
            submitted.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize(("fault", "posted_count"), [("lost_ratio", 0), ("forged_ratio", 4), ("duplicate_ratio", 4)])
def test_a_share_of_the_callbacks_is_lost_forged_or_doubled(fault: str, posted_count: int) -> None:
    async def scenario() -> None:
        async with bench("generic") as vendor:
            await vendor.http.post("/_headway/faults", json={fault: 1.0})
            await vendor.submit(json={"callback_url": "http://receiver.test/hook"})
            async with asyncio.timeout(5):
                while settled(vendor) < 2:
                    await asyncio.sleep(0)
                while len(vendor.posted) < posted_count:
                    await asyncio.sleep(0)
            assert len(vendor.posted) == posted_count

    asyncio.run(scenario())


def settled(vendor: Bench) -> int:
    counts = vendor.simulator.report().callbacks
    return counts.delivered_count + counts.lost_count


def asked(contract: Contract, **changes: Any) -> Contract:
    """Return the contract of a vendor that makes a job of every submit, and can be asked for jobs by our key."""
    known = {name: value for name, value in contract["submit"].items() if name != "idempotency_header"}
    lookup = {"path": "/v1/jobs?reference={idempotency_key}", "timeout_s": 10, "job_id": "data.0.id"}
    asks = {"ambiguity": "ask", "idempotency_field": "reference", "lookup": lookup}
    return {**contract, "submit": {**known, **asks, **changes}}


@pytest.mark.parametrize(
    ("path", "asks", "job_id", "answer"),
    [
        ("/v1/jobs?reference={idempotency_key}", "/v1/jobs?reference=key-1", "data.0.id", {"data": [{"id": "job"}]}),
        ("/v1/search?limit=1&q=ref:{idempotency_key}", "/v1/search?limit=1&q=ref:key-1", "1", [None, "job"]),
        ("/v1/keys/{idempotency_key}/job", "/v1/keys/key-1/job", "id", {"id": "job"}),
    ],
)
def test_a_job_is_found_by_our_key_in_the_shape_of_the_contract(path: str, asks: str, job_id: str, answer: Any) -> None:
    changed = partial(asked, lookup={"path": path, "timeout_s": 10, "job_id": job_id})

    async def scenario() -> None:
        async with bench("generic", changed, job_time_s=9.0) as vendor:
            assert (await vendor.http.get(asks)).json() == {}
            taken = (await vendor.submit(json={"reference": "key-1", "callback_url": HOOK_URL})).json()["id"]
            found = (await vendor.http.get(asks)).json()
            assert json.loads(json.dumps(found).replace(taken, "job")) == answer
            assert (await vendor.http.get(asks.replace("key-1", "key-2"))).json() == {}
            assert (await vendor.http.get(asks, headers={"authorization": "other"})).status_code == 401
            assert vendor.simulator.report().scopes["poll"].call_count == 4

    asyncio.run(scenario())


def test_a_key_in_the_header_finds_its_job_too_and_is_no_second_one() -> None:
    changed = partial(asked, idempotency_header="Idempotency-Key")

    async def scenario() -> None:
        async with bench("generic", changed, job_time_s=9.0) as vendor:
            headers = {"Idempotency-Key": "key-1"}
            answers = [await vendor.submit(json={"n": 1}, headers=headers) for _ in range(2)]
            [job_id] = {answer.json()["id"] for answer in answers}
            assert (await vendor.http.get("/v1/jobs?reference=key-1")).json() == {"data": [{"id": job_id}]}

    asyncio.run(scenario())


def test_a_vendor_that_has_to_be_asked_doubles_the_job_of_a_repeated_submit_and_the_first_is_found() -> None:
    async def scenario() -> None:
        async with bench("generic", asked, job_time_s=9.0) as vendor:
            body = {"n": 1, "reference": "key-1", "callback_url": HOOK_URL}
            job_ids = [(await vendor.submit(json=body)).json()["id"] for _ in range(2)]
            assert len(set(job_ids)) == 2
            assert (await vendor.http.get("/v1/jobs?reference=key-1")).json() == {"data": [{"id": job_ids[0]}]}
            report = vendor.simulator.report()
            assert (report.payload_submitted_twice_count, report.repeated_idempotency_key_count) == (1, 1)

    asyncio.run(scenario())


class Bridge(httpx.BaseTransport):
    """The way of synchronous code, in a thread, to a simulator in an event loop; notes each request's method."""

    def __init__(self, vendor: Bench, loop: asyncio.AbstractEventLoop) -> None:
        self._vendor = vendor
        self._loop = loop
        self.methods: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.methods[request.method] += 1
        asking = self._vendor.http.request(
            request.method, str(request.url), content=request.read(), headers={"content-type": "application/json"}
        )
        answer = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
        return httpx.Response(answer.status_code, content=answer.content)


def test_no_job_is_doubled_or_lost_where_the_vendor_is_asked_whatever_becomes_of_the_submits() -> None:
    calls_count = 40

    def job_of(bridge: Bridge, vendor: Vendor, number: int) -> str:
        """Make a call as the caller does, round after round; its doubts outlast a round."""
        key, doubtful = f"call-{number}", False
        with httpx.Client(transport=bridge, base_url="http://vendor.test") as client:
            proxy = Proxy(client, None, None)
            ask = partial(job_of_key, proxy, vendor, key, Unpaced())
            while True:
                try:
                    submission = submission_of(vendor, {"n": number}, key, HOOK_URL)
                    return submit(proxy, vendor, submission, Unpaced(), ask, lambda _: None, doubtful=doubtful)
                except RetryLater as later:
                    doubtful = isinstance(later, InDoubt)

    async def scenario() -> None:
        plenty = Rate(10_000, 1)
        async with bench("generic", asked, submit=plenty, poll=plenty) as vendor:
            await vendor.http.post("/_headway/faults", json={"error_ratio": 0.8})
            bridge = Bridge(vendor, asyncio.get_running_loop())
            job_ids = [await asyncio.to_thread(job_of, bridge, vendor.vendor, number) for number in range(calls_count)]
            report = vendor.simulator.report()
            assert report.payload_submitted_twice_count == 0
            assert len(set(job_ids)) == sum(report.jobs_by_status.values()) == calls_count
            assert bridge.methods["POST"] > calls_count, "some were not taken, and sent again"
            assert bridge.methods["GET"] > bridge.methods["POST"] - calls_count, "some were taken, and found"
            done = {job_id for job_id, kind in await vendor.events(2 * calls_count) if kind is EventKind.SUCCESS}
            assert done == set(job_ids)
            result = await vendor.http.get(f"/v1/jobs/{job_ids[0]}")
            assert result.json()["output"] == {"echo": {"n": 0}}, "our key is no part of the payload"

    asyncio.run(scenario())
