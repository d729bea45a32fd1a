"""A flood of forged callbacks at one vendor's webhook while another vendor's calls run: what the other notices of it.

Turns without and with a flood alternate in one run (calm, flooded, flooded, calm), so that what drifts on the machine
falls on both. Measured is what lies between the other vendor's callback and its call: from the end of the job, by the
vendor, to the resumed task, by the ledger; both are on this machine's clock.
"""

import json
import math
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import httpx
import typer
from headway_cdk.project import bare
from headway_lane.contract.tuning import DELAY_SHARE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallState, since_attribute
from headway_lane.messages.envelope import CALLBACK_HEADERS_ATTRIBUTE

from benchmarks.figures import conclude
from benchmarks.vendor_copies import write_copies
from headway.report.figures import percentile
from headway.simulator.composed_event import compose
from headway.simulator.keys import VendorKeys
from headway.simulator.signed_callback import SignedCallback, write
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import VENDOR, Laboratory, deployed
from headway.testing.waiting import LONG_PATIENCE_S, until

FLOODED: Final = "flooded"
POSTS_PER_S: Final = 40
SENDERS_PRIORITY: Final = 10
SENDERS: Final = 16
"""Posts at one time: at 40/s each may take 400 ms before the flood comes late."""
POST_TIMEOUT_S: Final = 30.0
CALLS_PER_S: Final = 5
SOLD_PER_S: Final = math.ceil(CALLS_PER_S / DELAY_SHARE)
JOB_TIME_S: Final = 1.0
LIMITS: Final = [
    {"quantity": "calls", "amount": SOLD_PER_S, "per_s": 1, "scope": "submit"},
    {"quantity": "calls", "amount": 200, "per_s": 1, "scope": "poll"},
]
CALM, FLOOD = "calm", "flood"
TURNS: Final = (CALM, FLOOD, FLOOD, CALM)
FLOOD_AHEAD: Final = 1 / 2
"""The part of a flood that has come when the calls begin: what piles up has piled up by then."""
WARM_UP_COUNT: Final = 5
MEDIAN_RATIO_AT_MOST: Final = 1.25


@dataclass(slots=True)
class Flood:
    """The posts of one flood: `answers` counts what each was answered, `ended_epoch_ms` is when the last one was."""

    answers: Counter[str] = field(default_factory=Counter)
    ended_epoch_ms: int = 0


@dataclass(frozen=True, slots=True)
class TimedCall:
    """One call of the other vendor; it ended well where both times are known."""

    status: str
    job_ended_epoch_ms: int = 0
    resumed_epoch_ms: int = 0

    @property
    def resuming_ms(self) -> int:
        """From the end of the job to the resumed task."""
        return self.resumed_epoch_ms - self.job_ended_epoch_ms


@dataclass(frozen=True, slots=True)
class Flooding:
    """The other vendor's times to resume without and with a flood, and what became of the flood.

    `lost_count` counts stored callbacks that are no dead letter, `repeated_count` dead letters beyond one for each: a
    queue may deliver twice.
    """

    calm_median_ms: float
    flooded_median_ms: float
    median_ratio: float
    calm_p99_ms: int
    flooded_p99_ms: int
    calls_count: int
    failed_count: int
    resumed_during_flood_count: int
    posted_count: int
    answers: dict[str, int]
    stored_count: int
    lost_count: int
    repeated_count: int
    others_dead_letters_count: int
    denials_count: int
    flood_s: float

    @property
    def is_harmless(self) -> bool:
        """Whether the other went on as before, and everything of the flood was answered and is accounted for."""
        answered = all(answer.startswith("2") or answer == "429" for answer in self.answers)
        return (
            self.median_ratio <= MEDIAN_RATIO_AT_MOST
            and self.failed_count == self.lost_count == self.others_dead_letters_count == self.denials_count == 0
            and answered
        )


def run(lab: Laboratory, calls_count: int, posts_count: int, turns: Sequence[str] = TURNS) -> Flooding:
    """Run so many calls in each turn, with so many posts beside them in a flooded one."""
    _calls(lab, "warm-up", WARM_UP_COUNT)
    seen: dict[str, list[TimedCall]] = {CALM: [], FLOOD: []}
    floods: list[Flood] = []
    during_count, flood_s = 0, 0.0
    for number, turn in enumerate(turns):
        name = f"{turn}-{number}"
        if turn == CALM:
            seen[turn] += _calls(lab, name, calls_count)
            continue
        started_s = time.monotonic()
        with _flooding(lab, name, posts_count) as flood:
            time.sleep(posts_count / POSTS_PER_S * FLOOD_AHEAD)
            called = _calls(lab, name, calls_count)
        flood_s = max(flood_s, time.monotonic() - started_s)
        seen[turn] += called
        floods.append(flood)
        during_count += sum(0 < call.resumed_epoch_ms <= flood.ended_epoch_ms for call in called)
        until(lambda: lab.backlog(str(lab.lane_of(FLOODED).callback_queue_url)) == 0, LONG_PATIENCE_S)
    answers = sum((flood.answers for flood in floods), Counter[str]())
    calm_ms, flooded_ms = (sorted(call.resuming_ms for call in seen[turn] if call.resumed_epoch_ms) for turn in seen)
    stored_count = sum(count for answer, count in answers.items() if answer.startswith("2"))
    dead_letters, other = _dead_letters(lab), lab.lane_of(VENDOR)
    return Flooding(
        calm_median_ms=median(calm_ms),
        flooded_median_ms=median(flooded_ms),
        median_ratio=median(flooded_ms) / median(calm_ms),
        calm_p99_ms=percentile(calm_ms, 0.99),
        flooded_p99_ms=percentile(flooded_ms, 0.99),
        calls_count=sum(map(len, seen.values())),
        failed_count=sum(call.status != "SUCCEEDED" for calls in seen.values() for call in calls),
        resumed_during_flood_count=during_count,
        posted_count=answers.total(),
        answers=dict(sorted(answers.items())),
        stored_count=stored_count,
        lost_count=stored_count - len(dead_letters),
        repeated_count=dead_letters.total() - len(dead_letters),
        others_dead_letters_count=lab.depth(str(other.callback_dlq_url)) + lab.depth(other.request_dlq_url),
        denials_count=len(lab.denials()),
        flood_s=flood_s,
    )


def _dead_letters(lab: Laboratory) -> Counter[str]:
    """Take the dead letters of the flood, and count them by the post that each was."""
    client, queue_url = lab.target.client("sqs"), str(lab.lane_of(FLOODED).callback_dlq_url)
    found: Counter[str] = Counter()
    while lab.depth(queue_url):
        taken = client.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
        ).get("Messages", [])
        found.update(_post_of(message) for message in taken)
        entries = [{"Id": str(number), "ReceiptHandle": one["ReceiptHandle"]} for number, one in enumerate(taken)]
        if entries:
            client.delete_message_batch(QueueUrl=queue_url, Entries=entries)
    return found


def _post_of(message: Mapping[str, Any]) -> str:
    """Return the headers of a post, which have its own ID and signature."""
    return str(message["MessageAttributes"][CALLBACK_HEADERS_ATTRIBUTE]["StringValue"])


def _calls(lab: Laboratory, name: str, count: int) -> list[TimedCall]:
    """Make so many calls of the other vendor, and say when each job ended and each task was resumed."""
    payload = {"version": "v1", "input": {"turn": name}}
    inputs = {f"{name}-{number}": {"payload": payload} for number in range(count)}
    arns = lab.start_all(inputs, VENDOR)
    lab.ends_of(arns, pause_s=1)
    return [_call(lab, arn) for arn in arns]


def _call(lab: Laboratory, arn: str) -> TimedCall:
    end = lab.execution(arn)
    if end["status"] != "SUCCEEDED":
        return TimedCall(end["status"])
    output = json.loads(end["output"])
    job_ended = datetime.fromisoformat(output["result"]["completed_at"])
    record = lab.record(output["call_id"], VENDOR)
    resumed_ms = int(record[since_attribute(CallState.RESUMED)])
    return TimedCall(end["status"], round(job_ended.timestamp() * 1_000), resumed_ms)


@contextmanager
def _flooding(lab: Laboratory, name: str, posts_count: int) -> Iterator[Flood]:
    """Post forged callbacks at the pace of the flood until all are posted; that is waited for at the end."""
    flood, vendor = Flood(), Vendor.from_document(lab.contracts[FLOODED])
    url, key = lab.stage.callback_url(FLOODED), VendorKeys.generate().webhook_key(vendor.callbacks().verification)
    # Beforehand: to forge takes processor time from what is measured.
    posts = [_forged(vendor, f"job-of-nobody-{name}-{number}", key, url) for number in range(posts_count)]
    client = httpx.Client(trust_env=False, timeout=POST_TIMEOUT_S)
    began_s = time.monotonic()

    def post(number: int) -> str:
        time.sleep(max(0.0, began_s + number / POSTS_PER_S - time.monotonic()))
        try:
            return str(client.post(url, content=posts[number].content, headers=posts[number].headers).status_code)
        except httpx.TransportError as error:
            return type(error).__name__

    def post_all() -> None:
        with client, ThreadPoolExecutor(SENDERS, initializer=_step_aside) as senders:
            flood.answers.update(senders.map(post, range(posts_count)))
        flood.ended_epoch_ms = time.time_ns() // 1_000_000

    thread = threading.Thread(target=post_all)
    thread.start()
    try:
        yield flood
    finally:
        thread.join()


def _step_aside() -> None:
    """Let this thread have what the cloud leaves: who floods a webhook has a machine of their own."""
    if sys.platform == "linux":  # where a thread has a priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), SENDERS_PRIORITY)


def _forged(vendor: Vendor, job_id: str, key: str, url: str) -> SignedCallback:
    """Write a success as the vendor would, but for the key."""
    callback = vendor.callbacks()
    event = compose(vendor, job_id, min(callback.success), {})
    return write(callback, key, f"msg_{job_id}", event, url, datetime.now(tz=UTC))


def main(
    calls: Annotated[int, typer.Option(help="Calls of the other vendor in each turn.", min=2)] = 50,
    posts: Annotated[int, typer.Option(help="Forged callbacks in each flood.", min=1)] = 2_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Print how long the other vendor's calls waited, calm and flooded; exit code 1 where they notice, or one is lost.

    For example:

        python -m benchmarks.flood --calls 10 --posts 200
    """
    options = {"--submit-rate": f"{SOLD_PER_S}/1", "--poll-rate": "200/1", "--job-time": JOB_TIME_S}
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_copies(scratch / "configuration", [FLOODED, VENDOR], limits=LIMITS)
        project = bare(scratch / "configuration")
        with (
            in_process(scratch, VENDOR, options) as other,
            deployed(scratch, [other], project=project, assembly=scratch / "assembly") as lab,
        ):
            seen = run(lab, calls, posts)
    title = f"{calls} calls of a vendor, and {posts} forged callbacks at {POSTS_PER_S}/s at another's webhook"
    conclude(title, asdict(seen), ("is_harmless", "harmless", seen.is_harmless), as_json=as_json)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
