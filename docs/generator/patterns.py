"""Writes patterns.md, the gallery of examples: what each says of itself in its README, its graph, its contracts.

An example is named in ORDER, or it is not in the gallery; a name without a folder is an error.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headway_cdk.configuration import load_vendors
from headway_cdk.project import find, workflow_of
from headway_lane.contract.tuning import Tuning

from docs.generator.values import ROOT
from headway.deployment.workflow_files import read_workflow
from headway.graph.machine import read
from headway.graph.mermaid import mermaid
from headway.planning.facts import facts_of
from headway.planning.situation import Situation

EXAMPLES: Final = ROOT / "examples"
ORDER: Final = (
    "one_call",
    "any_length",
    "chain",
    "first_answer",
    "saga",
    "human_approval",
    "long_job",
    "fallback",
    "polling_only",
    "citizen_notifications",
    "endless_aisle",
    "web_store",
    "insurance_claims",
)
LATENCY_MS: Final = 200
"""What `headway plan` takes unless it is given or measured."""
HEAD: Final = """# Patterns

Written by `make docs` from [examples/](../examples/). Each is a project of its own: a workflow, its contract, input, a
test and a page with the steps. To begin with one, copy its folder. `make examples` runs all of them on the embedded
cloud. What a machine needs of AWS follows from its file ([author.md](author.md#what-a-machine-may-do)).

The numbers follow from the contract alone, as `headway plan VENDOR` has them; *map concurrency* is what a Distributed
Map may have open where jobs may be short.

"""


def patterns() -> str:
    """Return the page."""
    links = "".join(f"- [{_title(name)}](#{_anchor(name)})\n" for name in ORDER)
    return HEAD + links + "".join(f"\n{section}" for name in ORDER for section in _sections(name))


def _anchor(name: str) -> str:
    return name.replace("_", "-")


def _title(name: str) -> str:
    return _readme(name).splitlines()[0].removeprefix("# ")


def _readme(name: str) -> str:
    return (EXAMPLES / name / "README.md").read_text()


def _sections(name: str) -> Iterator[str]:
    paragraphs = _readme(name).split("\n\n")
    project = find(EXAMPLES / name)
    yield f"## {_anchor(name)}\n\n**{_title(name)}.** {paragraphs[1]}\n\n{paragraphs[2]}\n"
    yield f"Steps and words: [examples/{name}](../examples/{name}/README.md).\n"
    yield "".join(_numbers(project.configuration))
    for file in project.workflow_files:
        drawn = mermaid(read(read_workflow(file), str(file)), workflow_of(file), None, "")
        yield f"`{workflow_of(file)}`:\n\n```mermaid\n{drawn.strip()}\n```\n"


def _numbers(configuration: Path) -> Iterator[str]:
    """Yield a table of a project's contracts, line by line."""
    yield "| vendor | sells | may wait | heartbeat | timeout | map concurrency |\n|---|---|---|---|---|---|\n"
    for files in load_vendors(configuration, "dev"):
        vendor = files.vendor
        facts = facts_of(Situation.of(vendor, Tuning.from_document(files.tuning), LATENCY_MS, None, None))
        sold = "; ".join(_limit(limit) for limit in files.contract["limits"])
        yield (
            f"| {vendor.name} | {sold} | {vendor.soft_limit_count:,} | {vendor.call_heartbeat_s:,} s |"
            f" {vendor.call_timeout_s:,} s | {facts.forecast.map_concurrency:,} |\n"
        )


def _limit(limit: dict[str, object]) -> str:
    scope = {"submit": "submits", "poll": "polls", "any": "calls"}.get(str(limit.get("scope")), "jobs")
    return re.sub(r" in 1 s$", " a second", f"{limit['amount']} {scope} in {limit.get('per_s')} s")
