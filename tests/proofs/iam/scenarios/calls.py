"""Calls, as the vendor lets them end."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from headway_lane.contract.exchange import Ambiguity, Fetched
from headway_lane.messages.claim import CARRIED_BYTES

from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario, Steps, until

WELL = "SUCCEEDED"
BADLY = "FAILED"
BIG = "x" * 300 * 1_024
"""More than any message, item or state carries."""
NEARLY = "x" * (CARRIED_BYTES - 40)
"""What travels as it is, and does not any more in the vendor's result."""
BEHIND_ITS_CALLBACKS_S = 2.0
"""So much later is a submit answered, that a cold function has received its callback by then."""


def scenarios(lane: Lane) -> Iterator[Scenario]:
    """Yield those that the contract has words for."""
    callback, poll = lane.contract.callback, lane.contract.poll

    def call(name: str, **how: Any) -> Scenario:
        return Scenario(lane.name, name, partial(called, lane, **how))

    early = {"early_callbacks": True, "slow_answer_s": BEHIND_ITS_CALLBACKS_S}
    yield call("calls end well")
    yield call("the vendor refuses for a while", refuse_next=1)
    yield Scenario(lane.name, "a payload and a result are large", partial(large, lane))
    if lane.published.urgent_queue_url:
        yield call("calls are urgent", urgent=True)
    if callback:
        yield call("answers are early", **early)
        yield call("callbacks come twice", duplicate_callbacks=True)
        if isinstance(lane.contract.result, Fetched):
            yield Scenario(lane.name, "an event is large", partial(large_event, lane))
        if callback.failure:
            yield call("jobs fail", ends=BADLY, failing=True)
            yield call("answers are early, and bad", ends=BADLY, failing=True, **early)
        if callback.progress:
            yield Scenario(lane.name, "a job is at work", partial(progressing, lane))
    if lane.contract.dispatch.direct or lane.contract.submit.ambiguity is Ambiguity.REJECT:
        yield call("the vendor is down", ends=BADLY, down=True)
    if lane.contract.submit.ambiguity is Ambiguity.ASK:
        yield call("nobody knows whether the vendor has the job", error_ratio=1.0)
    if poll:
        yield call("jobs are lost", ends=BADLY, lost_callbacks=True, lost_jobs=True)
        yield call("a check finds its job at work", slow_job_s=2.0 * poll.after_s)
        if callback:
            yield call("callbacks are lost", lost_callbacks=True)
        if poll.failure:
            yield call("callbacks are lost, and jobs fail", ends=BADLY, failing=True, lost_callbacks=True)


def called(lane: Lane, *, ends: str = WELL, urgent: bool = False, failing: bool = False, **faults: Any) -> Steps:
    """Make one call."""
    lane.let_vendor(failing=failing, **faults)
    call_id = lane.start(urgent=urgent)
    yield from until(lambda: lane.ended(call_id, ends))


def progressing(lane: Lane) -> Steps:
    """Let the vendor say that it works on a job; its own word comes before the call has its job ID."""
    lane.let_vendor(slow_job_s=2.0)
    call_id = lane.start()
    job_id = yield from until(lambda: lane.joined_job(call_id))
    lane.call_back(job_id, min(lane.contract.callbacks().progress))
    yield from until(lambda: lane.ended(call_id, WELL))


def large(lane: Lane) -> Steps:
    """Send so much that the payload, the result, and an event that has it, become claim checks; the direct way takes
    no payload that is one.
    """
    lane.let_vendor()
    direct = lane.contract.dispatch.direct
    call_id = lane.start(payload={"prompt": NEARLY} if direct else lane.laid_down({"prompt": BIG}))
    yield from until(lambda: lane.ended(call_id, WELL))


def large_event(lane: Lane) -> Steps:
    """Call back with more than the vendor would, whose results are not in its events."""
    lane.let_vendor(lost_callbacks=True)
    call_id = lane.start()
    job_id = yield from until(lambda: lane.joined_job(call_id))
    lane.call_back(job_id, min(lane.contract.callbacks().success), more=BIG)
    yield from until(lambda: lane.ended(call_id, WELL))
