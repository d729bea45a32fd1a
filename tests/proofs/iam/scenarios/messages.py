"""Messages that come twice, cannot be read, or have to wait."""

import json
from collections.abc import Iterator
from functools import partial

import httpx
from headway_lane.messages.envelope import ENVELOPE
from headway_lane.messages.request import REQUEST
from headway_lane.messages.results_queue import RESULTS_MESSAGE
from headway_lane.runtime.formats import FORMAT_VERSION

from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario, Steps, until
from tests.proofs.iam.scenarios.calls import BADLY, WELL

LONG_S = 20
"""A cool-down that no running function waits for."""


def scenarios(lane: Lane) -> Iterator[Scenario]:
    """Yield those of the queues that the lane has."""
    yield Scenario(lane.name, "a request comes twice", partial(doubled, lane))
    yield Scenario(lane.name, "a request is malformed", partial(malformed, lane))
    kinds = [("a request", False), ("an urgent request", True)]
    for kind, urgent in kinds if lane.published.urgent_queue_url else kinds[:1]:
        yield Scenario(lane.name, f"{kind} is newer than the code", partial(newer, lane, urgent=urgent))
        if not lane.contract.dispatch.direct:
            yield Scenario(lane.name, f"{kind} waits for the vendor to cool down", partial(cooled, lane, urgent=urgent))
            yield Scenario(lane.name, f"the caller of {kind} cannot be run", partial(uncalled, lane, urgent=urgent))
    yield Scenario(lane.name, "a fetch is newer than the code", partial(newer_fetch, lane))
    if lane.contract.callback:
        yield Scenario(lane.name, "a callback is forged", partial(forged, lane))
        yield Scenario(lane.name, "a callback is newer than the code", partial(newer_callback, lane))


def doubled(lane: Lane) -> Steps:
    """Deliver a request twice."""
    lane.let_vendor()
    with lane.held():
        name = lane.start()
        request = yield from lane.taken(_url(lane))
        for _ in range(2):
            lane.send(_url(lane), request)
    yield from until(lambda: lane.ended(name, WELL))


def malformed(lane: Lane) -> Steps:
    """Take a request out of its queue, and send it again without what it is about."""
    with lane.held():
        name = lane.start()
        request = yield from lane.taken(_url(lane))
        lane.send(_url(lane), {**request, "payload": "no object"})
    yield from until(lambda: lane.ended(name, BADLY))


def newer(lane: Lane, *, urgent: bool) -> Steps:
    """Send a request that only newer code reads: it goes back to its queue."""
    url = _url(lane, urgent)
    body = json.dumps({FORMAT_VERSION: REQUEST.version + 1})
    lane.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId="newer")
    yield from until(lambda: lane.delayed_count(url))


def cooled(lane: Lane, *, urgent: bool) -> Steps:
    """Let the vendor ask for a pause that no caller waits for: the request goes back to its queue."""
    lane.let_vendor(refuse_next=1, retry_after_s=LONG_S)
    lane.start(urgent=urgent)
    yield from until(lambda: lane.delayed_count(_url(lane, urgent)))


def uncalled(lane: Lane, *, urgent: bool) -> Steps:
    """Let the caller fail whenever it is invoked: the settler sends the request to its queue again."""
    lane.let_vendor()
    with lane.broken_caller():
        lane.start(urgent=urgent)
        yield from until(lambda: lane.delayed_count(_url(lane, urgent)))


def newer_fetch(lane: Lane) -> Steps:
    """Send a fetch that only newer code reads: it goes back to its queue."""
    url = lane.published.results_queue_url
    lane.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({FORMAT_VERSION: RESULTS_MESSAGE.version + 1}))
    yield from until(lambda: lane.delayed_count(url))


def forged(lane: Lane) -> Steps:
    """Call back without a signature."""
    callbacks = lane.lab.callbacks_of(lane.name)
    before = lane.lab.depth(callbacks.dlq_url)
    assert httpx.post(callbacks.url, json={"id": "forged"}).is_success
    yield from until(lambda: lane.lab.depth(callbacks.dlq_url) > before)


def newer_callback(lane: Lane) -> Steps:
    """Send a callback message that only newer code reads: it goes back to its queue."""
    url = lane.lab.callbacks_of(lane.name).queue_url
    version = {"DataType": "String", "StringValue": str(ENVELOPE.version + 1)}
    lane.client("sqs").send_message(QueueUrl=url, MessageBody="e30=", MessageAttributes={FORMAT_VERSION: version})
    yield from until(lambda: lane.delayed_count(url))


def _url(lane: Lane, urgent: bool = False) -> str:
    return lane.published.request_queue_urls[0 if urgent else -1]
