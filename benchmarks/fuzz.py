"""Nonsense at the webhooks of deployed lanes: every request is answered, and becomes a dead letter or what it says.

Two turns. In the first nobody has a key, so that all is forged and may leave nothing but dead letters. In the second
the vendor itself signs the same nonsense, so that it is read. What should become of a request says the partners' own
judgement, here; what became of it say the dead letters and the jobs table, there. Calls that are open meanwhile have
lost their callbacks, and forged ones name their jobs; in the end they are asked about, or the vendor calls back after
all.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final, Self

import httpx
import typer
from headway_lane.callback.event import EventKind
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute, job_key

from benchmarks.figures import conclude
from benchmarks.nonsense import Attempt, drawn, forgeries, raw
from headway.partner.judgement import judge
from headway.partner.openapi import REFUSALS
from headway.simulator.keys import load_or_create
from headway.testing.ledger import records
from headway.testing.pipeline import await_count, await_ends, backlog, held
from headway.testing.presets import PresetLab, Terms, dead_letters, preset_lab

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

PRESETS: Final = ("generic", "twilio", "adyen")
"""JSON; a form; and JSON with signatures in the body, which is read before anything is proven."""
TERMS: Final = Terms(rate_per_s=10, poll_after_s=2, job_time_s=0.2, fail_ratio=0.0)
OPEN_COUNT: Final = 5
"""Calls of each vendor."""
SENDING_S: Final = 120.0
"""How long one turn may take at one webhook."""
DRAINING_S: Final = 60.0
"""How long the callback queue may take: less than the visibility timeout after which a message comes back."""
QUIET_S: Final = 2.0
"""How long it has to be empty."""
PAUSE_S: Final = 0.2
TAKEN: Final = "Taken"
CRASHED: Final = "Crashed"
"""A dead letter without an outcome: SQS moved it, because the function had failed at it again and again."""

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a webhook answered, by status; what should become of what it stored, dead letters by their outcome; and the
    keys of the job records that should be there for it.
    """

    answers: Counter[str]
    undocumented_count: int
    unsent_count: int
    fates: Counter[str]
    jobs: frozenset[str]

    def __add__(self, other: Self) -> "Turn":
        """Count two turns at one webhook together."""
        return Turn(
            self.answers + other.answers,
            self.undocumented_count + other.undocumented_count,
            self.unsent_count + other.unsent_count,
            self.fates + other.fates,
            self.jobs | other.jobs,
        )

    @property
    def server_errors_count(self) -> int:
        """Requests that were answered 500 or above, or not at all."""
        return sum(count for answer, count in self.answers.items() if not answer.isdigit() or int(answer) >= 500)


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


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a vendor calls back, and the key with which it signs."""

    vendor: Vendor
    url: str
    key: str

    @classmethod
    def of(cls, built: PresetLab, name: str) -> Self:
        """Find a vendor's webhook on a market."""
        vendor = Vendor.from_document(built.contracts[name])
        key = load_or_create(built.state_dir, name).webhook_key(vendor.callbacks().verification)
        return cls(vendor, built.stack.callback_url(name), key)

    def signed(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Return those that the vendor could sign, signed now."""
        signed = (attempt.signed(self.vendor, self.key, self.url) for attempt in attempts)
        return [attempt for attempt in signed if attempt]

    def post(self, attempts: Sequence[Attempt]) -> Turn:
        """Post one after the other while there is time, and say what should become of each that was stored."""
        answers: Counter[str] = Counter()
        fates: Counter[str] = Counter()
        jobs: set[str] = set()
        undocumented_count, deadline_s = 0, time.monotonic() + SENDING_S
        with httpx.Client(trust_env=False, timeout=30) as client:
            for attempt in attempts:
                if time.monotonic() > deadline_s:
                    break
                status = self._answer(client, attempt)
                answers[status] += 1
                if attempt.method != "POST":
                    continue
                if status == str(self.vendor.callbacks().acknowledgement.status):
                    fate, keys = self._fate(attempt)
                    fates[fate] += 1
                    jobs |= keys
                elif status not in REFUSALS:
                    undocumented_count += 1
        return Turn(answers, undocumented_count, len(attempts) - answers.total(), fates, frozenset(jobs))

    def _answer(self, client: httpx.Client, attempt: Attempt) -> str:
        """Return the status of the answer, or the name of what came instead of one."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in attempt.headers.items()]
        try:
            answer = client.request(attempt.method, self.url, content=attempt.content, headers=headers)
        except httpx.TransportError as error:
            return type(error).__name__
        return str(answer.status_code)

    def _fate(self, attempt: Attempt) -> tuple[str, set[str]]:
        judgement = judge(self.vendor.callbacks(), attempt.content, attempt.headers, [self.key], time.time(), self.url)
        final = {event.job_id for event in judgement.events if event.kind in (EventKind.SUCCESS, EventKind.FAILURE)}
        fate = TAKEN if judgement.reason is None else judgement.reason.partition(":")[0].capitalize()
        return fate, {job_key(self.vendor.name, job_id) for job_id in final}


def run(built: PresetLab, examples_count: int) -> Fuzz:
    """Send so many drawn requests to each webhook, and the raw ones, forged and signed; count what became of them."""
    started_s = time.monotonic()
    webhooks = {name: Webhook.of(built, name) for name in PRESETS}
    unasked = [name for name, lane in built.stack.vendors.items() if "reconciler_function" in lane]
    with ExitStack() as silence:
        for name in unasked:
            silence.enter_context(held(built.target.client("lambda"), built.stack.vendors[name]["reconciler_function"]))
        arns = [arn for name in PRESETS for arn in _start(built, name)]
        await_count(lambda: len(_open_jobs(built)), len(arns), "calls that are open")
        known = _job_keys(built)
        attempts = {
            name: [*drawn(webhook.vendor, webhook.url, examples_count), *raw(webhook.vendor)]
            for name, webhook in webhooks.items()
        }
        forged = {
            name: webhook.post([*attempts[name], *forgeries(webhook.vendor, _open_jobs(built, name))])
            for name, webhook in webhooks.items()
        }
        first = _drain(built)
        signed = {name: webhook.post(webhook.signed(attempts[name])) for name, webhook in webhooks.items()}
        second = _drain(built)
        open_count = len(_open_jobs(built))
        for name in set(PRESETS) - set(unasked):
            for dead_letter in dead_letters(built, name):
                httpx.post(
                    webhooks[name].url, content=dead_letter.content, headers=dead_letter.headers
                ).raise_for_status()
    ends = await_ends(built.target.client("stepfunctions"), arns)
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


def _start(built: PresetLab, name: str) -> list[str]:
    """Start calls whose jobs end without a word."""
    httpx.post(f"{built.vendors[name].url}/_headway/faults", json={"lost_callbacks": True}).raise_for_status()
    client, machine = built.target.client("stepfunctions"), built.stack.workflows["call_vendor"][name]
    inputs = [json.dumps({"payload": {"n": number}}) for number in range(OPEN_COUNT)]
    return [str(client.start_execution(stateMachineArn=machine, input=words)["executionArn"]) for words in inputs]


def _open_jobs(built: PresetLab, name: str | None = None) -> list[str]:
    """Return the job IDs of the calls that wait for their callback, of one vendor or of all."""
    calls = records(built.target, built.stack.calls_table)
    return [
        call[CallAttribute.JOB_ID]
        for call in calls
        if call[CallAttribute.STATE] == CallState.ACCEPTED and name in (None, call[CallAttribute.VENDOR])
    ]


def _job_keys(built: PresetLab) -> frozenset[str]:
    return frozenset(job[JobAttribute.JOB_KEY] for job in records(built.target, built.stack.outputs["JobsTable"]))


def _drain(built: PresetLab) -> Left:
    """Wait until the callback queue stays empty, while there is time, and take the dead letters away."""
    client, queue_url = built.target.client("sqs"), built.stack.outputs["CallbackQueueUrl"]
    now_s = quiet_since_s = time.monotonic()
    deadline_s = now_s + DRAINING_S
    while now_s < deadline_s and now_s - quiet_since_s < QUIET_S:
        time.sleep(PAUSE_S)
        now_s = time.monotonic()
        if backlog(client, queue_url):
            quiet_since_s = now_s
    return Left(
        backlog(client, queue_url), _dead_letters(client, built.stack.outputs["CallbackDlqUrl"]), _job_keys(built)
    )


def _dead_letters(client: "SQSClient", queue_url: str) -> Counter[tuple[str, str]]:
    """Take all dead letters, and count them by vendor and outcome."""
    found: Counter[tuple[str, str]] = Counter()
    while True:
        taken = client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        if not taken.get("Messages"):
            return found
        for message in taken["Messages"]:
            said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            found[said["vendor"], said.get("outcome", CRASHED)] += 1
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _fates(turn: Turn, dead_letters: Counter[tuple[str, str]], name: str) -> Counts:
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
    with TemporaryDirectory() as folder, preset_lab(Path(folder), PRESETS, TERMS) as built:
        seen = run(built, examples)
    title = f"{examples} requests and their raw like to each webhook, forged and signed"
    conclude(title, asdict(seen), ("is_sound", "sound", seen.is_sound), as_json=as_json)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
