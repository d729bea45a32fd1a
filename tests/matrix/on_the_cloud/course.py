"""Runs samples side by side on the embedded cloud until all have ended, and then until all is quiet."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from headway_lane.messages.claim import Claim, requests_folder

from headway.cloud.process import LOG_FILE
from headway.cloud.routes import FAULTS_ROUTE
from headway.testing.faults import faults
from headway.testing.laboratory import Laboratory
from tests.matrix.on_the_cloud.lanes import VISIBILITY_S, Lane
from tests.matrix.on_the_cloud.sample import Placed, Sample
from tests.matrix.on_the_cloud.story_vendor import TAG

QUIET_PATIENCE_S: Final = 6 * VISIBILITY_S
"""What broke off behind the end of a task comes again: three receives, each with its wait."""
PAUSE_S: Final = 0.5
PROGRESS: Final = 20
"""One word to so many ends."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of a fault: how many calls of its kind were made, and when the first was met, in epoch ms."""

    concerned_count: int
    met_epoch_ms: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """One sample after its run: its execution as it was described last, and its fault."""

    placed: Placed
    execution: Mapping[str, Any]
    struck: Struck | None

    @property
    def was_struck(self) -> bool:
        """Whether its fault has struck."""
        return self.struck is not None and self.struck.met_epoch_ms is not None


def run(
    lab: Laboratory,
    lanes: Mapping[str, Lane],
    samples: Sequence[Sample],
    side_by_side: int,
    say: Callable[[str], None],
) -> list[Ended]:
    """Run samples, so many at a time."""
    placed = [Placed(sample, lanes[sample.lane_name]) for sample in samples]
    armed = [one for one in placed if one.fault]
    with faults(str(lab.connection.endpoint_url), *(one.fault for one in armed if one.fault)):
        ends = _run(lab, placed, side_by_side, say)
        _await_quiet(lab, lanes.values(), say)
        met = httpx.get(f"{lab.connection.endpoint_url}{FAULTS_ROUTE}").raise_for_status().json()["faults"]
    told = {one.execution_arn: told for one, told in zip(armed, met, strict=True)}
    struck = {arn: Struck(each["concerned_count"], each["met_epoch_ms"]) for arn, each in told.items()}
    return [Ended(one, ends[one.execution_arn], struck.get(one.execution_arn)) for one in placed]


def _run(
    lab: Laboratory, placed: Sequence[Placed], side_by_side: int, say: Callable[[str], None]
) -> Mapping[str, Mapping[str, Any]]:
    """Keep so many open until all were, and return how each ended, by ARN; what has not is RUNNING."""
    waiting = list(placed)
    open_until_s: dict[str, float] = {}
    by_arn = {one.execution_arn: one for one in placed}
    ends: dict[str, Mapping[str, Any]] = {}
    while waiting or open_until_s:
        room = side_by_side - len(open_until_s)
        begun, waiting = waiting[:room], waiting[room:]
        for one in begun:
            _start(lab, one)
            open_until_s[one.execution_arn] = time.monotonic() + one.lane.patience_s
        time.sleep(PAUSE_S)
        found = {arn: lab.execution(arn) for arn in open_until_s}
        ended = {arn: told for arn, told in found.items() if told["status"] != "RUNNING"}
        given_up = [arn for arn in found.keys() - ended if time.monotonic() > open_until_s[arn]]
        for arn in (*ended, *given_up):
            ends[arn] = found[arn]
            del open_until_s[arn]
            if len(ends) % PROGRESS == 0:
                say(f"{len(ends)} of {len(placed)} have ended")
        for arn in given_up:
            say(_left_open(lab, by_arn[arn]))
    return ends


def late_invocations(lab: Laboratory) -> list[str]:
    """Return what the cloud says of invocations that ran out of time: faults that nobody asked for."""
    lines = (lab.state_dir / LOG_FILE).read_text(errors="replace").splitlines()
    return [line for line in lines if "timed out after" in line]


def _left_open(lab: Laboratory, one: Placed) -> str:
    """Tell all that there is of a call that has not ended: its record, its lane's budgets, and its queues."""
    backlogs = {url.rpartition("/")[2]: lab.backlog(url) for url in one.lane.queue_urls}
    record = lab.record(one.sample.name, one.lane.name)
    told = [f"{one.sample.name} has not ended", record, *lab.records(one.lane.published.budgets_table), backlogs]
    return "\n  ".join(map(str, told))


def _start(lab: Laboratory, one: Placed) -> None:
    sample, payload = one.sample, {TAG: one.sample.name}
    one.lane.notes.stories[sample.name] = sample.story
    if sample.story.claimed:
        payload = _laid_down(lab, one.lane, payload)
    lab.start(sample.name, payload, one.lane.name)


def _laid_down(lab: Laboratory, lane: Lane, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a payload down as whoever starts calls does, and return its claim check."""
    body = json.dumps(payload).encode()
    claim = Claim.on(body, lane.published.claims_bucket, requests_folder(lane.name))
    lab.target.client("s3").put_object(Bucket=claim.bucket, Key=claim.key, Body=body)
    return dict(claim.pointer())


def _await_quiet(lab: Laboratory, lanes: Iterable[Lane], say: Callable[[str], None]) -> None:
    """Wait until no message is left that a function would take: what comes late may still do harm."""
    deadline_s = time.monotonic() + QUIET_PATIENCE_S
    urls = [url for lane in lanes for url in lane.queue_urls]
    while left := {url.rpartition("/")[2]: count for url in urls if (count := lab.backlog(url))}:
        if time.monotonic() > deadline_s:
            say(f"left in queues: {left}")
            return
        time.sleep(PAUSE_S)
