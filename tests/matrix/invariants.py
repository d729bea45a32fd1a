"""What holds in every cell, whatever failed: words for what does not."""

from collections.abc import Iterator
from typing import Final

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.driver import Driver
from tests.matrix.stories import STOPPED, Said

TIME_IS_UP: Final = frozenset({"States.Timeout", "States.HeartbeatTimeout", "Request.Expired"})
IN_DOUBT: Final = frozenset({"Caller.Crashed", "Vendor.Unavailable"})
"""How `reject` ends a call of which nobody knows whether the vendor took it."""


def violations(run: Driver) -> list[str]:
    """Return what a run has broken, each in a word or two; nothing where all is well."""
    return list(_violations(run))


def _violations(run: Driver) -> Iterator[str]:
    ending, vendor = run.ending, run.vendor
    if run.fault and not run.struck:
        yield "not struck: the run without a fault went another way"
    doubted = run.in_doubt or any(submit.said is Said.SILENT for submit in vendor.submits)
    may_reject = doubted and run.policy is Ambiguity.REJECT
    if run.endless or ending.at_us is None:
        yield "never ends"
        return
    if ending.error in TIME_IS_UP:
        if not may_reject:
            yield "hung"
    elif ending.error == "Caller.Crashed" and not vendor.submits and not doubted:
        yield "crashed with nothing sent"
    elif ending.error != run.story.error and not (may_reject and ending.error in IN_DOUBT):
        yield f"ended as {ending.error or 'succeeded'}"
    elif ending.error is None and ending.output["job_id"] not in [job.job_id for job in vendor.jobs]:
        yield "another's answer"
    if ending.error == STOPPED and not doubted and any(job.called_off_us is None for job in vendor.jobs):
        yield "left at the vendor"
    if len(vendor.jobs) > 1:
        yield "doubled"
    if any(submit.at_us > ending.at_us for submit in vendor.submits):
        yield "sent for nobody"
    nobody_knows = may_reject or (doubted and ending.error == STOPPED)
    if not nobody_knows and any(item.get("holders", {}).get("M") for item in run.storage.items("Budgets")):
        yield "permit kept"
    told = ending.error is not None and ending.error not in TIME_IS_UP
    for name, queue in run.sqs.queues.items():
        if name.endswith("_dlq") and queue.messages and not (told and name != "callback_dlq"):
            yield f"nobody told of what is in {name}"
