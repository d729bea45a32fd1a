"""Many vendors: what each costs to synthesize, and what `headway up` does where one comes or goes.

* Synthesis of 1, 10 and 100 vendors. It is flat where a vendor of the last ninety costs no more than one of the nine
  before, in processor time and in memory.
* On the embedded cloud, in one project with a machine of its own: a first vendor, twelve of them, a thirteenth file,
  one file removed. What was touched is read from CloudFormation's own times and events.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
from headway_cdk.names import lane_stack, state_stack
from headway_cdk.project import Project, bare, find
from rich.console import Console
from rich.table import Table

from benchmarks.usage import Usage, usage_of
from benchmarks.vendor_copies import contract_file, copy_names, write_copies
from headway.deployment import local, scaffold
from headway.deployment.assembly import stacks
from headway.deployment.connection import connect
from headway.deployment.synthesis import synthesize
from headway.simulator.offer import Offer
from headway.testing.lab_vendor import LabVendor, in_thread
from headway.testing.laboratory import VENDOR, Laboratory

FEW: Final = (1, 10)
FLAT_RATIO: Final = 1.25
"""How much more a vendor of the many may cost than one of the few: the few are nine, and measured less exactly."""
ROLE: Final = "AWS::IAM::Role"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Vendors in one configuration, and what its synthesis used."""

    vendors_count: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Lane:
    """What one vendor's stacks hold."""

    resources_count: int
    roles_count: int


@dataclass(frozen=True, slots=True)
class Increment:
    """What one vendor more costs."""

    processor_s: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class Step:
    """One `up`: the stacks that it touched (made, changed or removed), and its time in two parts."""

    name: str
    touched: frozenset[str]
    synthesis_s: float
    deployment_s: float


@dataclass(frozen=True, slots=True)
class StackSight:
    """What tells whether somebody has touched a stack."""

    changed: str
    events_count: int


def main(
    *,
    many: Annotated[int, typer.Option(help="Vendors of the largest synthesis; 0 leaves this part out.", min=0)] = 100,
    deployed: Annotated[int, typer.Option(help="Vendors before the last one comes; 0 leaves it out.", min=0)] = 12,
) -> None:
    """Print both parts; exit code 1 where synthesis is not flat, or a stack was touched that is of no change.

    For example:

        python -m benchmarks.vendors --many 20 --deployed 3
    """
    out, good = Console(highlight=False), True
    with TemporaryDirectory() as folder:
        if many:
            seen, lane = _syntheses(Path(folder), [*(count for count in FEW if count < many), many])
            costs = increments(seen)
            out.print(_synthesis_table(seen, costs, lane))
            good = is_flat(costs)
        if deployed:
            steps = list(_deployments(Path(folder), deployed))
            out.print(_deployment_table(steps))
            for step, expected in zip(steps, _expected(deployed), strict=True):
                if step.touched != expected:
                    good = False
                    out.print(f"{step.name}: touched {sorted(step.touched)} instead of {sorted(expected)}")
    raise typer.Exit(0 if good else 1)


def increments(seen: Sequence[Synthesis]) -> Sequence[Increment]:
    """Return what a vendor more costs between each synthesis and the next."""
    return [
        Increment(
            (more.usage.processor_s - less.usage.processor_s) / (more.vendors_count - less.vendors_count),
            (more.usage.memory_mib - less.usage.memory_mib) / (more.vendors_count - less.vendors_count),
        )
        for less, more in pairwise(seen)
    ]


def is_flat(costs: Sequence[Increment]) -> bool:
    """Whether the last vendors cost no more than the first ones, but for what measuring differs by."""
    first, last = costs[0], costs[-1]
    return (
        last.processor_s <= first.processor_s * FLAT_RATIO and last.memory_mib <= max(first.memory_mib, 0) * FLAT_RATIO
    )


def _syntheses(folder: Path, counts: Sequence[int]) -> tuple[Sequence[Synthesis], Lane]:
    """Synthesize so many vendors each time, from nothing; returns that, and what the last one's stacks hold."""
    seen = []
    for count in counts:
        configuration, assembly = folder / f"configuration-{count}", folder / f"assembly-{count}"
        write_copies(configuration, copy_names(count))
        usage = usage_of(partial(synthesize, assembly, bare(configuration)))
        seen.append(Synthesis(count, usage))
    return seen, _lane(assembly, copy_names(count)[-1])


def _lane(assembly: Path, vendor: str) -> Lane:
    kinds: Counter[str] = Counter()
    for artifact in stacks(assembly):
        if artifact.stack_name in _own_stacks(vendor):
            resources: Mapping[str, Any] = json.loads(artifact.template_path.read_text())["Resources"]
            kinds.update(resource["Type"] for resource in resources.values())
    return Lane(kinds.total(), kinds[ROLE])


def _deployments(folder: Path, count: int) -> Iterator[Step]:
    """Let a project grow from one vendor to `count`, then by one, which is called, and shrink by one."""
    scaffold.write("bakery", folder)
    root, state_dir = folder / "bakery", folder / "state"
    configuration = find(root).configuration
    *others, last = copy_names(count)
    with in_thread(state_dir, last, Offer(job_time_s=0.3)) as vendor:
        stage = _Stage(state_dir, {})
        try:
            yield stage.up(f"first vendor, {VENDOR}", find(root))
            write_copies(configuration, others)
            yield stage.up(f"{len(others)} more", find(root))
            write_copies(configuration, [last])
            stage.urls = {last: vendor.url}
            yield stage.up(f"one more, {last}", find(root))
            stage.call(vendor, find(root))
            yield stage.up("nothing changed", find(root))
            contract_file(configuration, others[0]).unlink()
            yield stage.up(f"{others[0]} removed", find(root))
        finally:
            local.down(state_dir)


def _expected(count: int) -> Sequence[frozenset[str]]:
    """Return what each step may touch: the stacks of the vendors that come or go."""
    *others, last = copy_names(count)
    common = {"Headway-dev-base", "Headway-dev-workflows"}
    return [
        frozenset(common | _own_stacks(VENDOR)),
        frozenset().union(*map(_own_stacks, others)),
        frozenset(_own_stacks(last)),
        frozenset(),
        frozenset(_own_stacks(others[0])),
    ]


def _own_stacks(vendor: str) -> set[str]:
    return {state_stack("dev", vendor), lane_stack("dev", vendor)}


@dataclass(slots=True)
class _Stage:
    """A project's stage on the embedded cloud, from one `up` to the next."""

    state_dir: Path
    urls: Mapping[str, str]
    cloudformation: Any = None

    def up(self, name: str, project: Project) -> Step:
        """Bring the project up, synthesis apart, and say what was touched."""
        assembly, before = self.state_dir / "assembly", self._sights()
        started_s = time.monotonic()
        synthesize(assembly, project)
        synthesized_s = time.monotonic()
        connection = local.up(project, self.urls, state_dir=self.state_dir, assembly=assembly)
        ended_s = time.monotonic()
        self.cloudformation = connection.target.client("cloudformation")
        after = self._sights()
        touched = frozenset(stack for stack in {*before, *after} if before.get(stack) != after.get(stack))
        return Step(name, touched, synthesized_s - started_s, ended_s - synthesized_s)

    def call(self, vendor: LabVendor, project: Project) -> None:
        """Call a vendor through its lane. RuntimeError where the call does not succeed."""
        lab = Laboratory(
            connect(state_dir=self.state_dir, stage=project.stage), self.state_dir, project, {vendor.name: vendor}
        )
        end = lab.end_of(lab.start("the-last-ones-first-call", {"version": "v1", "input": {"n": 1}}))
        if (end["status"], vendor.admitted_count()) != ("SUCCEEDED", 1):
            raise RuntimeError(f"the call through the last lane has {end['status']}: {end.get('cause')}")

    def _sights(self) -> Mapping[str, StackSight]:
        """Look at all stacks that are there."""
        if self.cloudformation is None:
            return {}
        return {
            stack["StackName"]: StackSight(
                str(stack.get("LastUpdatedTime", stack["CreationTime"])),
                len(self.cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]),
            )
            for stack in self.cloudformation.describe_stacks()["Stacks"]
        }


def _synthesis_table(seen: Sequence[Synthesis], costs: Sequence[Increment], lane: Lane) -> Table:
    title = f"synthesis; a lane has {lane.resources_count} resources, {lane.roles_count} of them roles"
    table = Table("vendors", "s", "processor s", "MiB at most", "processor s a vendor", "MiB a vendor", title=title)
    for one, cost in zip(seen, [None, *costs], strict=True):
        more = (f"{cost.processor_s:.2f}", f"{cost.memory_mib:.1f}") if cost else ("", "")
        usage = (f"{one.usage.seconds:.0f}", f"{one.usage.processor_s:.0f}", f"{one.usage.memory_mib:.0f}")
        table.add_row(str(one.vendors_count), *usage, *more)
    return table


def _deployment_table(steps: Sequence[Step]) -> Table:
    table = Table("`up` after", "stacks touched", "synthesis s", "deployment s", title="on the embedded cloud")
    for step in steps:
        times = f"{step.synthesis_s:.1f}", f"{step.deployment_s:.1f}"
        table.add_row(step.name, str(len(step.touched)), *times)
    return table


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
