"""Nonsense at the webhooks of deployed lanes: every request is answered, and becomes a dead letter or what it says.

Two turns. In the first nobody has a key, so that all is forged and may leave nothing but dead letters. In the second
the vendor itself signs the same nonsense, so that it is read. What should become of a request says the partners' own
judgement, here; what became of it say the dead letters and the jobs table, there. Calls that are open meanwhile have
lost their callbacks, and forged ones name their jobs; in the end they are asked about, or the vendor calls back after
all.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import httpx
import typer
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute

from benchmarks.figures import conclude
from benchmarks.fuzz_turn import TAKEN, FuzzTurn, Webhook
from benchmarks.nonsense import drawn, forgeries, raw
from headway.testing.laboratory import Laboratory
from headway.testing.presets import Terms, preset_laboratory, signed_answers
from headway.testing.waiting import await_count

PRESETS: Final = ("generic", "twilio", "adyen")
"""JSON; a form; and JSON with signatures in the body, which is read before anything is proven."""
TERMS: Final = Terms(rate_per_s=10, poll_after_s=2, job_time_s=0.2, fail_ratio=0.0)
OPEN_COUNT: Final = 5
"""Calls of each vendor."""
DRAINING_S: Final = 60.0
"""How long the callback queue may take: less than the visibility timeout after which a message comes back."""
QUIET_S: Final = 2.0
"""How long it has to be empty."""
PAUSE_S: Final = 0.2
CRASHED: Final = "Crashed"
"""A dead letter without an outcome: SQS moved it, because the function had failed at it again and again."""

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Left:
    """What a turn left: messages in the callback queue, dead letters by vendor and outcome, the keys of job records."""

    stuck_count: int
    dead_letters: Counter[tuple[str, str]]
    jobs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fuzz:
    """What the webhooks answered, what became of what they stored, and of the calls that were open meanwhile."""

    seconds: float
    answers: Mapping[str, Counts]
    server_errors_count: int
    undocumented_count: int
    unsent_count: int
    fates: Mapping[str, Counts]
    misjudged_count: int
    crashed_count: int
    stuck_count: int
    forged_records_count: int
    stray_records_count: int
    missing_records_count: int
    open_count: int
    ends: Counts

    @property
    def is_sound(self) -> bool:
        """Whether all was answered as documented, nothing is stuck or left, and the open calls never noticed."""
        faults = (
            self.server_errors_count,
            self.undocumented_count,
            self.misjudged_count,
            self.crashed_count,
            self.stuck_count,
            self.forged_records_count,
            self.stray_records_count,
            self.missing_records_count,
        )
        return not any(faults) and self.open_count > 0 and self.ends == {"SUCCEEDED": self.open_count}


def run(lab: Laboratory, examples_count: int) -> Fuzz:
    """Send so many drawn requests to each webhook, and the raw ones, forged and signed; count what became of them."""
    started_s = time.monotonic()
    webhooks = {name: Webhook.of(lab, name) for name in PRESETS}
    polled = {name: lab.stage.lanes[name] for name, webhook in webhooks.items() if webhook.vendor.poll}
    with ExitStack() as silence:
        for lane in polled.values():
            silence.enter_context(lab.held(lane.results_function))
        arns = [arn for name in PRESETS for arn in _start(lab, name)]
        await_count(lambda: len(_open_jobs(lab)), len(arns), "calls that are open")
        known = _job_keys(lab)
        requests = {
            name: [*drawn(webhook.vendor, webhook.url, examples_count), *raw(webhook.vendor)]
            for name, webhook in webhooks.items()
        }
        forged = {
            name: webhook.post([*requests[name], *forgeries(webhook.vendor, _open_jobs(lab, name))])
            for name, webhook in webhooks.items()
        }
        first = _drain(lab)
        signed = {name: webhook.post(webhook.signed(requests[name])) for name, webhook in webhooks.items()}
        second = _drain(lab)
        open_count = len(_open_jobs(lab))
        for name in set(PRESETS) - set(polled):
            for answer in signed_answers(lab, name):
                httpx.post(webhooks[name].url, content=answer.content, headers=answer.headers).raise_for_status()
    ends = lab.ends_of(arns)
    turns = {name: forged[name] + signed[name] for name in PRESETS}
    fates = {name: _fates(turn, first.dead_letters + second.dead_letters, name) for name, turn in turns.items()}
    wanted = known.union(*(turn.jobs for turn in turns.values()))
    return Fuzz(
        seconds=time.monotonic() - started_s,
        answers={name: dict(sorted(turn.answers.items())) for name, turn in turns.items()},
        server_errors_count=sum(turn.server_errors_count for turn in turns.values()),
        undocumented_count=sum(turn.undocumented_count for turn in turns.values()),
        unsent_count=sum(turn.unsent_count for turn in turns.values()),
        fates=fates,
        misjudged_count=sum(_difference(fates[name], turn.fates) for name, turn in turns.items()),
        crashed_count=sum(found.get(CRASHED, 0) for found in fates.values()),
        stuck_count=max(first.stuck_count, second.stuck_count),
        forged_records_count=len(first.jobs - known),
        stray_records_count=len(second.jobs - wanted),
        missing_records_count=len(wanted - second.jobs),
        open_count=open_count,
        ends=ends,
    )


def _start(lab: Laboratory, name: str) -> Sequence[str]:
    """Start calls whose jobs end without a word."""
    lab.vendors[name].switch(lost_callbacks=True)
    return lab.start_all({f"fuzz-{number}": {"payload": {"n": number}} for number in range(OPEN_COUNT)}, name)


def _open_jobs(lab: Laboratory, name: str | None = None) -> list[str]:
    """Return the job IDs of the calls that wait for their callback, of one vendor or of all."""
    return [
        call[CallAttribute.JOB_ID]
        for vendor, lane in lab.stage.lanes.items()
        if name in (None, vendor)
        for call in lab.records(lane.calls_table)
        if call[CallAttribute.STATE] == CallState.ACCEPTED
    ]


def _job_keys(lab: Laboratory) -> frozenset[str]:
    lanes = lab.stage.lanes.values()
    return frozenset(job[JobAttribute.JOB_KEY] for lane in lanes for job in lab.records(lane.jobs_table))


def _drain(lab: Laboratory) -> Left:
    """Wait until the callback queue stays empty, while there is time, and take the dead letters away."""
    now_s = quiet_since_s = time.monotonic()
    deadline_s = now_s + DRAINING_S
    while now_s < deadline_s and now_s - quiet_since_s < QUIET_S:
        time.sleep(PAUSE_S)
        now_s = time.monotonic()
        if _backlog(lab):
            quiet_since_s = now_s
    return Left(_backlog(lab), _dead_letters(lab), _job_keys(lab))


def _dead_letters(lab: Laboratory) -> Counter[tuple[str, str]]:
    """Take all dead letters, and count them by vendor and outcome."""
    found: Counter[tuple[str, str]] = Counter()
    for lane in lab.stage.lanes.values():
        found += _taken(lab, str(lane.callback_dlq_url))
    return found


def _backlog(lab: Laboratory) -> int:
    """Count the messages of all callback queues."""
    return sum(lab.backlog(str(lane.callback_queue_url)) for lane in lab.stage.lanes.values())


def _taken(lab: Laboratory, queue_url: str) -> Counter[tuple[str, str]]:
    """Take the dead letters of a queue, and count them by vendor and outcome."""
    found: Counter[tuple[str, str]] = Counter()
    client = lab.target.client("sqs")
    while True:
        taken = client.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
        )
        if not taken.get("Messages"):
            return found
        for message in taken["Messages"]:
            said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            found[said["vendor"], said.get("outcome", CRASHED)] += 1
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _fates(turn: FuzzTurn, dead_letters: Counter[tuple[str, str]], name: str) -> Counts:
    """Count what became of the stored callbacks of a vendor: what is no dead letter was taken."""
    found = {outcome: count for (vendor, outcome), count in sorted(dead_letters.items()) if vendor == name}
    return {**found, TAKEN: turn.fates.total() - sum(found.values())}


def _difference(one: Counts, other: Counts) -> int:
    return sum(abs(one.get(name, 0) - other.get(name, 0)) for name in {*one, *other})


def main(
    examples: Annotated[int, typer.Option(help="Requests to draw for each webhook.", min=2)] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Print what the webhooks answered and what became of it; exit code 1 where anything is left, lost or disturbed."""
    with TemporaryDirectory() as folder, preset_laboratory(Path(folder), PRESETS, TERMS) as lab:
        seen = run(lab, examples)
    title = f"{examples} requests and their raw like to each webhook, forged and signed"
    conclude(title, asdict(seen), ("is_sound", "sound", seen.is_sound), as_json=as_json)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
