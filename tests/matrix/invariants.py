"""What holds in every cell, whatever failed: words for what does not. Over the fakes and over the embedded cloud."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.driver import Driver
from tests.matrix.stories import STOPPED, Said

TIME_IS_UP: Final = frozenset({"States.Timeout", "States.HeartbeatTimeout", "Request.Expired"})
IN_DOUBT: Final = frozenset({"Caller.Crashed", "Vendor.Unavailable"})
"""How `reject` ends a call of which nobody knows whether the vendor took it."""
CALLBACK_DLQ: Final = "callback_dlq"


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one call: how its task ended, and what the vendor, the budgets and the dead-letter queues have of
    it. Times are in epoch microseconds.

    `error` is the task's, None where it succeeded; `expected` is the one of its story. `job_id` is the job that a
    success is about. `in_doubt` says that nobody could know whether the vendor took a submit. `jobs_left` are those
    that the vendor was not told to call off.
    """

    policy: Ambiguity
    expected: str | None
    in_doubt: bool
    ended_us: int | None
    error: str | None
    job_id: str | None
    jobs: Sequence[str]
    submits_us: Sequence[int]
    keeps_permit: bool
    dead_letters_in: Sequence[str]
    jobs_left: Sequence[str]


def broken(life: Life) -> Iterator[str]:
    """Yield what a call has broken, each in a word or two; nothing where all is well."""
    may_reject = life.in_doubt and life.policy is Ambiguity.REJECT
    if life.ended_us is None:
        yield "never ends"
        return
    if life.error in TIME_IS_UP:
        if not may_reject:
            yield "hung"
    elif life.error == "Caller.Crashed" and not life.submits_us and not life.in_doubt:
        yield "crashed with nothing sent"
    elif life.error != life.expected and not (may_reject and life.error in IN_DOUBT):
        yield f"ended as {life.error or 'succeeded'}"
    elif life.error is None and life.job_id not in life.jobs:
        yield "another's answer"
    stopped = life.error == STOPPED
    if stopped and life.jobs_left and not life.in_doubt:
        yield "left at the vendor"
    if len(life.jobs) > 1:
        yield "doubled"
    if any(at_us > life.ended_us for at_us in life.submits_us):
        yield "sent for nobody"
    if life.keeps_permit and not (may_reject or (stopped and life.in_doubt)):
        yield "permit kept"
    told = life.error is not None and life.error not in TIME_IS_UP
    for name in life.dead_letters_in:
        if not (told and name != CALLBACK_DLQ):
            yield f"nobody told of what is in {name}"


def violations(run: Driver) -> list[str]:
    """Return what a run over the fakes has broken."""
    missed = ["not struck: the run without a fault went another way"] if run.fault and not run.struck else []
    return missed + list(broken(life_of(run)))


def life_of(run: Driver) -> Life:
    """Return what became of the call of a run."""
    ending, vendor = run.ending, run.vendor
    return Life(
        policy=run.policy,
        expected=run.story.error,
        in_doubt=run.in_doubt or any(submit.said is Said.SILENT for submit in vendor.submits),
        ended_us=None if run.endless else ending.at_us,
        error=ending.error,
        job_id=ending.output["job_id"] if ending.output else None,
        jobs=[job.job_id for job in vendor.jobs],
        jobs_left=[job.job_id for job in vendor.jobs if job.called_off_us is None],
        submits_us=[submit.at_us for submit in vendor.submits],
        keeps_permit=any(item.get("holders", {}).get("M") for item in run.storage.items("Budgets")),
        dead_letters_in=[name for name, queue in run.sqs.queues.items() if name.endswith("_dlq") and queue.messages],
    )
