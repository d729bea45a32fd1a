"""A vendor, a network and forgers at their worst: every call has to end as its job did, once, and in time.

Through the whole pipeline, with a contract that has an idempotency header and a poll. Ours is counted from executions,
dead letters and the simulator's own report, and has to add up. What an early callback costs is in the ledger's times.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute, job_key, since_attribute

from benchmarks.figures import conclude
from headway.run.batch import run_file
from headway.run.preparation import Choices
from headway.testing.laboratory import WORKFLOW, Item, Laboratory
from headway.testing.presets import Terms, preset_laboratory

PRESET: Final = "generic"
"""It has an idempotency header, so that a repeated submit is no second job, and a poll."""
FAULTS: Final = {
    "early_ratio": 0.10,
    "duplicate_ratio": 0.20,
    "lost_ratio": 0.05,
    "forged_ratio": 0.10,
    "error_ratio": 0.10,
    "hang_ratio": 0.02,
}
FAIL_RATIO: Final = 0.05
TERMS: Final = Terms(rate_per_s=10, poll_after_s=8, job_time_s=2.0, fail_ratio=FAIL_RATIO, seed=7)
EARLY_COST_MS: Final = 1_000
"""What an early callback may cost more than another: far less than a visibility timeout."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from when the ledger had both halves of a job, its call and its answer, until the task was resumed:
    of jobs whose answer came before their acceptance was recorded, and of the others.
    """

    early_ms: Sequence[int]
    others_ms: Sequence[int]


@dataclass(frozen=True, slots=True)
class Hostile:
    """What became of a run, by our counts and by the vendor's."""

    calls_count: int
    seconds: float
    ends: Mapping[str, int]
    slowest_s: float
    jobs: Mapping[str, int]
    submitted_twice_count: int
    repeated_keys_count: int
    violations_count: int
    refused_count: int
    forged_sent_count: int
    forged_dead_letters_count: int
    duplicates_sent_count: int
    lost_count: int
    request_dead_letters_count: int
    early_count: int
    early_slowest_ms: int
    others_median_ms: float

    @property
    def adds_up(self) -> bool:
        """Whether every call ended as its job did, every forged copy is a dead letter, and early callbacks cost
        nothing.
        """
        return (
            self.ends.get("succeeded", 0) == self.jobs.get("succeeded", 0)
            and self.ends.get("Vendor.JobFailed", 0) == self.jobs.get("failed", 0)
            and sum(self.ends.values()) == self.calls_count == sum(self.jobs.values())
            and self.submitted_twice_count == self.violations_count == self.request_dead_letters_count == 0
            and self.forged_dead_letters_count == self.forged_sent_count
            and self.early_is_free
        )

    @property
    def early_is_free(self) -> bool:
        """Whether there were early callbacks, and even their slowest call went on about as soon as others do."""
        return self.early_count > 0 and self.early_slowest_ms <= self.others_median_ms + EARLY_COST_MS


def latencies(calls: Sequence[Item], jobs: Sequence[Item]) -> Latencies:
    """Tell the resumed calls of the ledger apart by which half of their job came first, and say how long each took."""
    name = JobAttribute.ANSWERED_EPOCH_MS
    answered_ms = {job[JobAttribute.JOB_KEY]: int(job[name]) for job in jobs if name in job}
    found: dict[bool, list[int]] = {True: [], False: []}
    for call in calls:
        if since_attribute(CallState.RESUMED) not in call:
            continue
        resumed_ms = int(call[since_attribute(CallState.RESUMED)])
        accepted_ms = int(call[since_attribute(CallState.ACCEPTED)])
        known_ms = answered_ms[job_key(call[CallAttribute.VENDOR], call[CallAttribute.JOB_ID])]
        found[known_ms < accepted_ms].append(resumed_ms - max(known_ms, accepted_ms))
    return Latencies(early_ms=found[True], others_ms=found[False])


def run(lab: Laboratory, folder: Path, calls_count: int) -> Hostile:
    """Run so many calls against all faults at once, as `headway run` does, and count."""
    lab.vendor.switch(**FAULTS)
    source = folder / "hostile.jsonl"
    source.write_text("".join(json.dumps({"payload": {"n": n}}) + "\n" for n in range(calls_count)))
    started_s = time.monotonic()
    choices = Choices(vendor=PRESET, write_report=False)
    records = run_file(WORKFLOW, source, lab.connection, choices, configuration=lab.project.configuration).records
    seconds = time.monotonic() - started_s
    time.sleep(TERMS.poll_after_s)  # duplicates and forged copies that are still on their way
    seen = lab.vendor.report()
    submit = seen.scopes["submit"]
    spans_s = []
    for record in records:
        told = lab.execution(str(record.execution))
        spans_s.append((told["stopDate"] - told["startDate"]).total_seconds())
    took = latencies(lab.records(lab.lane.calls_table), lab.records(lab.lane.jobs_table))
    return Hostile(
        calls_count=calls_count,
        seconds=seconds,
        ends=dict(Counter(record.error or record.outcome.value for record in records)),
        slowest_s=max(spans_s),
        jobs=seen.jobs_by_status,
        submitted_twice_count=seen.payload_submitted_twice_count,
        repeated_keys_count=seen.repeated_idempotency_key_count,
        violations_count=submit.violation_count,
        refused_count=submit.refused_count,
        forged_sent_count=seen.callbacks.forged_count,
        forged_dead_letters_count=lab.depth(str(lab.lane.callback_dlq_url)),
        duplicates_sent_count=seen.callbacks.duplicate_count,
        lost_count=seen.callbacks.lost_count,
        request_dead_letters_count=lab.depth(lab.lane.request_dlq_url),
        early_count=len(took.early_ms),
        early_slowest_ms=max(took.early_ms, default=0),
        others_median_ms=median(took.others_ms or [0]),
    )


def main(
    calls: Annotated[int, typer.Option(help="Calls.", min=1)] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Print what became of the calls, beside what the vendor says it did; exit code 1 where it does not add up."""
    with TemporaryDirectory() as folder, preset_laboratory(Path(folder), [PRESET], TERMS) as lab:
        seen = run(lab, Path(folder), calls)
    title = f"{calls} calls against {', '.join(f'{name} {ratio:.0%}' for name, ratio in FAULTS.items())}"
    conclude(title, asdict(seen), ("adds_up", "adds up", seen.adds_up), as_json=as_json)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
