"""What the embedded cloud weighs: the server and all its Lambda workers, with several vendors.

Memory is the sum of the proportional set sizes (PSS) of the cloud's processes: a page that several of them share
counts once. Each vendor has a copy of the shipped contract under a name of its own, and is simulated in a process that
does not count.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final, Self

import psutil
import typer
from headway_cdk.project import bare
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from rich.console import Console
from rich.table import Table

from benchmarks.vendor_copies import contract_file, write_copies
from headway.cloud.process import members
from headway.deployment.connection import Connection
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import VENDOR, Laboratory, deployed
from headway.testing.paced import call

BYTES_PER_MB: Final = 1_000_000
VENDORS: Final = (1, 2, 6)
CALLS: Final = 100
LIMIT_VENDORS: Final = 2
LIMIT_MB: Final = 1_610
"""1.5 GiB, for the cloud of two vendors after their calls."""
IDLE_LIMIT_MB: Final = 100
"""For each vendor that is deployed and not called."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The memory of a cloud at one time: its server alone, and all with the workers."""

    server_mb: float
    all_mb: float
    workers_count: int

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Weigh a cloud that runs."""
        cloud = connection.cloud
        if cloud is None:
            raise ValueError("only an embedded cloud can be weighed")
        bytes_by_pid: dict[int, int] = {}
        for process in members(cloud):
            try:
                bytes_by_pid[process.pid] = process.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
        server_bytes = bytes_by_pid[cloud.pid]
        return cls(
            server_bytes / BYTES_PER_MB, sum(bytes_by_pid.values()) / BYTES_PER_MB, workers_count=len(bytes_by_pid) - 1
        )


@dataclass(frozen=True, slots=True)
class Weighing:
    """What one cloud took: seconds of `up`, its weight then, and its weight after the calls."""

    up_s: float
    idle: Weight
    busy: Weight


def weigh(vendors_count: int, calls_count: int) -> Weighing:
    """Deploy a lane for each vendor and call each vendor. Raises RuntimeError where a call does not end well."""
    with TemporaryDirectory() as folder, ExitStack() as opened:
        scratch = Path(folder)
        names = [f"{VENDOR}-{number}" for number in range(1, vendors_count + 1)]
        configuration = configuration_of(scratch / "configuration", names)
        vendors = [
            opened.enter_context(
                in_process(scratch, name, {"--contract": contract_file(configuration, name), "--job-time": 0.3})
            )
            for name in names
        ]
        began_s = time.monotonic()
        built = deployed(scratch, vendors, project=bare(configuration), assembly=scratch / "assembly")
        lab = opened.enter_context(built)
        up_s = time.monotonic() - began_s
        idle = Weight.of(lab.connection)
        _call(lab, names, calls_count)
        return Weighing(up_s, idle, Weight.of(lab.connection))


def configuration_of(folder: Path, names: Sequence[str]) -> Path:
    """Write a configuration whose vendors all have the shipped contract and tuning, under these names."""
    write_copies(folder, names)
    (folder / "tuning").mkdir()
    for name in names:
        shutil.copy(EXAMPLE_CONFIGURATION / "tuning" / f"{VENDOR}.yaml", folder / "tuning" / f"{name}.yaml")
    return folder


def _call(lab: Laboratory, names: Sequence[str], calls_count: int) -> None:
    """Call one vendor after the other, and wait for the ends of the calls."""
    for name in names:
        inputs = {f"{name}-{index}": call({"index": index}) for index in range(calls_count)}
        ends = lab.ends_of(lab.start_all(inputs, name), pause_s=1)
        if ends != {"SUCCEEDED": calls_count}:
            raise RuntimeError(f"{name}: calls did not end well: {ends}")


def table_of(seen: Mapping[int, Weighing], calls_count: int) -> Table:
    """Draw the figures, a column for each number of vendors."""
    table = Table("", *(f"{count} vendors" for count in seen), title="Embedded cloud, PSS in MB")

    def row(name: str, *values: Any) -> None:
        table.add_row(name, *(f"{value:,.1f}" if isinstance(value, float) else str(value) for value in values))

    row("seconds of `headway up`, with synthesis", *(one.up_s for one in seen.values()))
    for name, weights in {
        "after `up`": [one.idle for one in seen.values()],
        f"after {calls_count} calls per vendor": [one.busy for one in seen.values()],
    }.items():
        row(f"all, {name}", *(weight.all_mb for weight in weights))
        row("  its server", *(weight.server_mb for weight in weights))
        row("  processes beside the server", *(weight.workers_count for weight in weights))
    return table


def idle_vendor_mb(seen: Mapping[int, Weighing]) -> float:
    """Return what one more idle vendor adds, between the fewest and the most vendors that were weighed."""
    few, many = min(seen), max(seen)
    return (seen[many].idle.all_mb - seen[few].idle.all_mb) / (many - few)


def main(
    vendors: Annotated[
        list[int] | None, typer.Option(help="Numbers of vendors, two at least; 1, 2 and 6 unless given.", min=1)
    ] = None,
    calls: Annotated[int, typer.Option(help="Calls of each vendor.", min=1)] = CALLS,
) -> None:
    """Print what the embedded cloud weighs; exit code 1 where it is more than 1.5 GiB with two vendors after their
    calls, or more than 100 MB for an idle vendor.

    For example:

        python -m benchmarks.memory --vendors 1 --vendors 2 --calls 20
    """
    counts = sorted(set(vendors or VENDORS))
    if len(counts) < 2:
        raise typer.BadParameter("give two different numbers at least", param_hint="--vendors")
    seen = {count: weigh(count, calls) for count in counts}
    table = table_of(seen, calls)
    idle_mb = idle_vendor_mb(seen)
    table.add_section()
    table.add_row("one more idle vendor", f"{idle_mb:.1f}")
    Console().print(table)
    is_light = LIMIT_VENDORS not in seen or seen[LIMIT_VENDORS].busy.all_mb <= LIMIT_MB
    raise typer.Exit(0 if is_light and idle_mb <= IDLE_LIMIT_MB else 1)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
