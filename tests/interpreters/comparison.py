"""Both interpreters over all machines, and where they differ.

In: the address of an embedded cloud. Out: differences by machine, and the kinds of event that one of them never writes.
"""

import difflib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headway.deployment.target import LocalTarget
from tests.interpreters.runs import MACHINES, First, Interpreter, Run, Second
from tests.interpreters.second import attach

KNOWN = Path(__file__).parent / "known_differences.yaml"
SIDES = ("ministack", "moto")
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs: machine -> lines that one of the two has alone, and kinds of event that one has alone."""

    machines: Mapping[str, Sequence[str]]
    kinds: Sequence[str]

    def table(self, rows: Any) -> Any:
        """Return them as the table of known ones; what `rows`, the table until now, says of each, is kept."""
        unknown = {"aws": "?", "witness": "?"}
        return {
            part: {
                name: {**rows[part].get(name, unknown), **({"lines": list(lines)} if lines else {})}
                for name, lines in found.items()
            }
            for part, found in (("kinds", dict.fromkeys(self.kinds)), ("machines", self.machines))
        }


def observed(endpoint_url: str, names: Collection[str] | None = None) -> Differences:
    """Run every machine, or those of these names, on both interpreters at once."""
    machines = [machine for machine in MACHINES if names is None or machine["name"] in names]
    target = LocalTarget(endpoint_url)
    interpreters: dict[str, Interpreter] = {
        "ministack": First(target.client("stepfunctions")),
        "moto": Second(attach(endpoint_url)),
    }
    for side in SIDES:
        target.client("dynamodb").create_table(
            TableName=f"items-{side}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    runs = [Run(machine, interpreters[side], target, side) for machine in machines for side in SIDES]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        traces = list(pool.map(Run.trace, runs))
    first, second = traces[0::2], traces[1::2]
    written = [{_kind(line) for trace in side for line in trace} for side in (first, second)]
    alone = {
        kind: side
        for side, own, others in zip(SIDES, written, reversed(written), strict=True)
        for kind in own - others
        if kind[0].isupper()
    }
    differing = {
        machine["name"]: lines
        for machine, *both in zip(machines, first, second, strict=True)
        if (lines := _difference(machine, *([line for line in trace if _kind(line) not in alone] for trace in both)))
    }
    return Differences(differing, sorted(f"{side}: {kind}" for kind, side in alone.items()))


def known() -> Any:
    """Return the table of known differences: what differs, whose way is AWS's, and how that is known."""
    return yaml.safe_load(KNOWN.read_text()) if KNOWN.exists() else {"kinds": {}, "machines": {}}


def _kind(line: str) -> str:
    return line.split(" ")[0]


def _difference(machine: Any, first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the lines that one has and the other has not; where branches run side by side, order means nothing."""
    if "Branches" in str(machine["states"]):
        first, second = sorted(first), sorted(second)
    marks = {"- ": SIDES[0], "+ ": SIDES[1]}
    return [f"{marks[line[:2]]}: {line[2:]}" for line in difflib.ndiff(first, second) if line[:2] in marks]
