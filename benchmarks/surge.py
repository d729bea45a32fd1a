"""A surge at an intake: thousands of posts within a minute to the example of citizen notifications, on the embedded
cloud, and what becomes of each.

Every post has to be answered 202 at once, whatever waits behind it; the mail API's contract is kept while the surge
drains; and the audit table has the beginning and the end of every notification, none twice. How fast posts are answered
is timed here, at the sender, in a process without any other work; contract and mails are counted at the vendor.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import httpx
import psutil
import typer
from headway_cdk.names import TABLES, parameter, resources_stack
from headway_cdk.project import find

from benchmarks.figures import conclude
from headway.report.figures import percentile
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import Laboratory, deployed
from headway.testing.waiting import PATIENCE_S

EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "citizen_notifications"
MAIL: Final = "mail"
JOB_TIME_S: Final = 2.0
SURGE_S: Final = 60.0
SENDERS: Final = 32
"""Posts at one time."""
POST_TIMEOUT_S: Final = 30.0
ANSWERED_WITHIN_MS: Final = 1_000
"""What "at once" is, for 99 of 100 posts; on two cores that the whole cloud shares with the sender."""
WARM_UP_COUNT: Final = 10
PAUSE_S: Final = 5.0
SILENCE_S: Final = 120.0
"""Nothing is noted for so long: the run has failed."""
STORED: Final = "202"
RECEIVED: Final = "received"
CONFIRMED: Final = "confirmed"
BYTES_PER_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Surge:
    """What a surge came to. `answers` counts posts by status; they are timed by the sender's clock.

    `drained_s` is from the first post to the last mail's confirmation in the audit table.
    """

    posts_count: int
    posted_s: float
    answers: Mapping[str, int]
    answer_median_ms: int
    answer_p99_ms: int
    answer_slowest_ms: int
    mails_count: int
    mails_twice_count: int
    worst_window_count: int
    contract_per_s: int
    over_contract_count: int
    contract_used: float | None
    received_count: int
    confirmed_count: int
    other_events: Mapping[str, int]
    left_in_queues_count: int
    denials_count: int
    drained_s: float
    server_peak_mb: float

    @property
    def is_complete(self) -> bool:
        """Whether every post was answered at once, mailed once within the contract, and noted at both ends."""
        wanted = self.posts_count
        return (
            self.answers == {STORED: wanted}
            and self.answer_p99_ms <= ANSWERED_WITHIN_MS
            and self.mails_count == self.received_count == self.confirmed_count == wanted
            and self.mails_twice_count == self.over_contract_count == self.left_in_queues_count == 0
            and self.denials_count == 0
            and not self.other_events
        )


@dataclass(frozen=True, slots=True)
class Intake:
    """The deployed example: where to post, and where every notification is noted."""

    lab: Laboratory
    url: str
    audit_table: str

    @classmethod
    def found(cls, lab: Laboratory) -> "Intake":
        """Find both by what the stacks say."""
        stack = resources_stack(lab.stage.name)
        outputs = lab.target.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        [url] = [output["OutputValue"] for output in outputs if output["OutputKey"] == "IntakeUrl"]
        named = lab.target.client("ssm").get_parameter(Name=parameter(lab.stage.name, TABLES, "audit"))
        return cls(lab, url, named["Parameter"]["Value"])

    def post_all(self, name: str, count: int, seconds: float) -> list[tuple[str, int]]:
        """Post so many notifications, evenly over so many seconds; return each answer, and the ms that it took."""
        began_s = time.monotonic()
        limits = httpx.Limits(max_connections=SENDERS, max_keepalive_connections=SENDERS)
        with httpx.Client(trust_env=False, timeout=POST_TIMEOUT_S, limits=limits) as client:

            def post(number: int) -> tuple[str, int]:
                time.sleep(max(0.0, began_s + number * seconds / count - time.monotonic()))
                sent_s = time.monotonic()
                try:
                    answer = str(client.post(self.url, json=notification(f"{name}-{number}")).status_code)
                except httpx.TransportError as error:
                    answer = type(error).__name__
                return answer, round((time.monotonic() - sent_s) * 1_000)

            with ThreadPoolExecutor(SENDERS) as senders:
                return list(senders.map(post, range(count)))

    def noted(self, name: str) -> dict[str, set[str]]:
        """Return the events of the audit table, each with the notifications of a run that have it."""
        events: dict[str, set[str]] = {}
        for item in self.lab.records(self.audit_table):
            if item["notification_id"].startswith(f"{name}-"):
                events.setdefault(item["event"], set()).add(item["notification_id"])
        return events

    def left_count(self) -> int:
        """Return how many messages are left in any queue of the cloud, once those in flight have had their time."""
        pages = self.lab.target.client("sqs").get_paginator("list_queues").paginate()
        urls = [url for page in pages for url in page.get("QueueUrls", [])]
        deadline_s = time.monotonic() + PATIENCE_S
        while (count := sum(map(self.lab.backlog, urls))) and time.monotonic() < deadline_s:
            time.sleep(1)
        return count


def notification(notification_id: str) -> dict[str, Any]:
    """Write a notification as a citizen's office does."""
    to = f"{notification_id}@citizens.example"
    return {"notification_id": notification_id, "to": to, "subject": "Your permit", "text": "It can be collected."}


def surge(intake: Intake, posts_count: int, seconds: float) -> Surge:
    """Post, wait until the surge has drained, and return what was seen."""
    lab, vendor = intake.lab, intake.lab.vendors[MAIL]
    _drain(intake, "warm-up", intake.post_all("warm-up", WARM_UP_COUNT, 1))
    vendor.reset()
    began_s = time.monotonic()
    answers = intake.post_all("surge", posts_count, seconds)
    posted_s = time.monotonic() - began_s
    noted, peak_mb = _drain(intake, "surge", answers)
    drained_s = time.monotonic() - began_s
    seen = vendor.report()
    scope = seen.scopes["submit"]
    times_ms = sorted(took_ms for _, took_ms in answers)
    received, confirmed = noted.pop(RECEIVED, set()), noted.pop(CONFIRMED, set())
    return Surge(
        posts_count=posts_count,
        posted_s=posted_s,
        answers=dict(Counter(answer for answer, _ in answers)),
        answer_median_ms=percentile(times_ms, 0.5),
        answer_p99_ms=percentile(times_ms, 0.99),
        answer_slowest_ms=times_ms[-1],
        mails_count=scope.admitted_count,
        mails_twice_count=seen.payload_submitted_twice_count,
        worst_window_count=scope.worst_window_count,
        contract_per_s=int(lab.contracts[MAIL]["limits"][0]["amount"]),
        over_contract_count=scope.violation_count,
        contract_used=scope.utilisation,
        received_count=len(received),
        confirmed_count=len(confirmed),
        other_events={event: len(ids) for event, ids in noted.items()},
        left_in_queues_count=intake.left_count(),
        denials_count=len(lab.denials()),
        drained_s=drained_s,
        server_peak_mb=peak_mb,
    )


def _drain(intake: Intake, name: str, answers: Sequence[tuple[str, int]]) -> tuple[dict[str, set[str]], float]:
    """Wait until as many have ended as were stored, or nothing has been noted for long; return what was noted, and
    what the cloud's server weighed at most.
    """
    stored_count = sum(answer == STORED for answer, _ in answers)
    last_count, heard_s, peak_mb = 0, time.monotonic(), 0.0
    while True:
        noted, peak_mb = intake.noted(name), max(peak_mb, _server_mb(intake.lab))
        ended_count = sum(len(ids) for event, ids in noted.items() if event != RECEIVED)
        if ended_count > last_count:
            last_count, heard_s = ended_count, time.monotonic()
            typer.echo(f"{name}: {ended_count:>6} of {stored_count} have ended, {peak_mb:.0f} MB", err=True)
        if ended_count >= stored_count or time.monotonic() - heard_s > SILENCE_S:
            return noted, peak_mb
        time.sleep(PAUSE_S)


def _server_mb(lab: Laboratory) -> float:
    cloud = lab.connection.cloud
    return psutil.Process(cloud.pid).memory_info().rss / BYTES_PER_MB if cloud else 0.0


def main(
    posts: Annotated[int, typer.Option(help="Posts of the surge.", min=10)] = 5_000,
    seconds: Annotated[float, typer.Option(help="Over how many seconds they come.", min=1)] = SURGE_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Print how a surge of posts was answered, and what became of it; exit code 1 where anything was slow or lost.

    For example:

        python -m benchmarks.surge --posts 300 --seconds 10
    """
    project = find(EXAMPLE)
    contract = project.configuration / "vendors" / f"{MAIL}.yaml"
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        with (
            in_process(scratch, MAIL, {"--contract": contract, "--job-time": JOB_TIME_S}) as vendor,
            deployed(scratch, [vendor], project=project, assembly=scratch / "assembly") as lab,
        ):
            seen = surge(Intake.found(lab), posts, seconds)
    title = f"{posts} posts in {seconds:g} s to the intake of citizen_notifications"
    conclude(
        title,
        asdict(seen),
        ("is_complete", "all answered at once, mailed and noted", seen.is_complete),
        as_json=as_json,
    )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
