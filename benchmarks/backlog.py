"""Backlogs of any size through `headway run`, on a virtual clock: how much memory it takes, whether starts keep within
the quota, how much of the contract is used, how many wait.

Each case runs in a process of its own, whose largest resident set is measured; the cloud that it runs against is in it.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.virtual_cloud import REGION, WORKFLOW, VirtualCloud, configuration_of, connected
from headway.run import batch
from headway.run.api_pace import RunQuotas
from headway.run.preparation import Choices
from headway.run.results import LineOutcome

LIMIT_MIB: Final = 300
LEAST_USED: Final = 0.98
"""Of the contract, or of the starts that the quota allows where that is less."""
PAYLOAD_CHARS: Final = 400


@dataclass(frozen=True, slots=True)
class BacklogCase:
    """A contract, its waits and its jobs, in calls a second and seconds."""

    rate_per_s: int
    tolerated_s: int
    answer_s: int
    job_s: float


CASES: Final[Mapping[str, BacklogCase]] = {
    "jobs of ten minutes at 10/s": BacklogCase(rate_per_s=10, tolerated_s=300, answer_s=900, job_s=600),
    "a contract above the quotas": BacklogCase(rate_per_s=400, tolerated_s=60, answer_s=900, job_s=5),
}
"""In the second one executions end faster than DescribeExecution tells: nearly all are open at a time."""


@dataclass(frozen=True, slots=True)
class BacklogSeen:
    """What one case came to. Shares are of the contract; `starts_over_quota_count` is what AWS would have throttled."""

    succeeded_count: int
    expired_count: int
    memory_mib: float
    most_waiting_count: int
    soft_limit_count: int
    starts_per_s: float
    starts_over_quota_count: int
    descriptions_over_quota_count: int
    used: float
    hours: float

    def is_good(self, lines_count: int) -> bool:
        """Whether all lines ended well, within memory, quotas and soft limit, and the contract was used."""
        return (
            self.succeeded_count == lines_count
            and self.memory_mib < LIMIT_MIB
            and self.most_waiting_count <= self.soft_limit_count
            and self.starts_over_quota_count == self.descriptions_over_quota_count == 0
            and self.used >= LEAST_USED
        )


def measure(case: BacklogCase, lines_count: int) -> BacklogSeen:
    """Run a case in this process."""
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        configuration = configuration_of(
            scratch / "configuration",
            rate_per_s=case.rate_per_s,
            tolerated_s=case.tolerated_s,
            answer_s=case.answer_s,
        )
        source = scratch / "lines.jsonl"
        with source.open("w") as file:
            for number in range(lines_count):
                file.write(json.dumps({"payload": {"number": number, "text": PAYLOAD_CHARS * "x"}}) + "\n")
        patience_s = max(case.tolerated_s, case.answer_s) + 30
        cloud = VirtualCloud(case.rate_per_s, case.job_s, patience_s)
        result = batch.run_file(
            WORKFLOW,
            source,
            connected(cloud),
            Choices(),
            surroundings=cloud.surroundings,
            configuration=configuration,
        )
    accepted_s, by_second = cloud.accepted_s, cloud.starts_by_second
    span_s = accepted_s[-1] - accepted_s[0]
    starts_per_s = sum(by_second.values()) / (max(by_second) - min(by_second) + 1)
    possible_per_s = min(case.rate_per_s, 0.8 * RunQuotas.of(REGION).starts.refill_per_s)
    return BacklogSeen(
        succeeded_count=result.count(LineOutcome.SUCCEEDED),
        expired_count=cloud.expired_count,
        memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024,
        most_waiting_count=cloud.most_waiting_count,
        soft_limit_count=case.rate_per_s * case.tolerated_s,
        starts_per_s=starts_per_s,
        starts_over_quota_count=cloud.starts.throttled_count,
        descriptions_over_quota_count=cloud.describes.throttled_count,
        used=(len(accepted_s) - 1) / span_s / possible_per_s,
        hours=cloud.now_s / 3_600,
    )


def in_a_process(name: str, lines_count: int) -> BacklogSeen:
    """Run a case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.backlog", "--lines", str(lines_count), "--only", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    document = json.loads(done.stdout)
    return BacklogSeen(**document)


def table_of(seen: Mapping[str, BacklogSeen]) -> Table:
    """Draw the figures, a column for each case."""
    table = Table("", *seen, title="headway run, on a virtual clock")
    for figure in BacklogSeen.__dataclass_fields__:
        values: list[Any] = [getattr(measured, figure) for measured in seen.values()]
        table.add_row(figure, *(f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" for value in values))
    return table


def main(
    lines: Annotated[int, typer.Option(help="Lines of each case.", min=1_000)] = 100_000,
    only: Annotated[str | None, typer.Option(help="Run this case here, and print its figures as JSON.")] = None,
) -> None:
    """Print the figures; exit code 1 where memory, quotas or the soft limit were exceeded, or the contract not used."""
    if only is not None:
        typer.echo(json.dumps(asdict(measure(CASES[only], lines))))
        return
    seen = {name: in_a_process(name, lines) for name in CASES}
    Console().print(table_of(seen))
    raise typer.Exit(0 if all(measured.is_good(lines) for measured in seen.values()) else 1)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
