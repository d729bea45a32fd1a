"""The proof that no grant is too much: whichever one is taken from its role, a scenario turns red.

Two lanes are deployed, which have between them what a contract can have. Each scenario runs once, and what IAM allowed
in it is kept. Then each grant is taken, a scenario that leaned on it runs again, and has to be red: it does not go
well, or something in it was denied, which ends the end-to-end suite red in the same way. A grant that no scenario
leans on has to be in `unseen.yaml`, with a reason. Exit 1 otherwise. An argument is a pattern of roles, to prove fewer.
The direct way is not deployed. Nor is a lane with a schedule, whose calls would wait for the minute: its role has one
grant, which the tests of the template state.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import httpx
import yaml

from headway.cloud.routes import IAM_ROUTE
from headway.testing.laboratory import Laboratory, iam_decisions
from headway.testing.presets import Terms, preset_laboratory
from tests.proofs.iam.grants import Grant, grants_of, taken
from tests.proofs.iam.scenarios import Lane, Scenario

VENDORS = ("assemblyai", "deepgram")
TERMS = Terms(
    rate_per_s=8,
    poll_after_s=3,
    job_time_s=0.8,
    in_flight_count=1_000,
    dispatch={"pacing": "permits", "urgent_concurrency": 2, "maximum_concurrency": 2},
)
WELL_S = 30.0
RED_S = 25.0
AFTERWARDS_S = 1.0
"""How long a denial may still come after a scenario has gone well: polls and logs."""
GREEN = "GREEN"
TRIES = 3
"""What an earlier trial has left may end a scenario before it has begun: green is what is green in three."""
KEPT_BY_WORKERS = ("secretsmanager:", "appconfig:")
"""What a warm function does not ask for again."""
UNSEEN = Path(__file__).with_name("unseen.yaml")


def main() -> int:
    """Prove it, print a table, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder, preset_laboratory(Path(folder) / "state", VENDORS, TERMS) as lab:
        lanes = [Lane(lab, name, Path(folder)) for name in VENDORS]
        scenarios = [scenario for lane in lanes for scenario in lane.scenarios()]
        used = {found.name: run_well(lab, lanes, found) or run_well(lab, lanes, found) for found in scenarios}
        only = sys.argv[1] if len(sys.argv) > 1 else "*"
        grants = [grant for grant in grants_of(lab.target) if fnmatchcase(grant.role, only)]
        verdicts = {}
        for number, grant in enumerate(grants, start=1):
            leaning = [found for found in scenarios if any(grant.allows(request) for request in used[found.name] or ())]
            verdicts[grant] = judge(lab, lanes, grant, leaning)
            say(f"{number}/{len(grants)} {verdicts[grant]:<28} {grant.role} {grant.action} {grant.resource}")
    bad = [verdict for verdict in verdicts.values() if verdict in (GREEN, "UNLISTED")]
    broken = [name for name, requests in used.items() if requests is None]
    counts = {word: sum(verdict.startswith(word) for verdict in verdicts.values()) for word in ("red", "unseen")}
    say(f"{len(grants)} grants: {counts['red']} red, {counts['unseen']} unseen with a reason, {len(bad)} without proof")
    for name in broken:
        say(f"did not go well with all grants: {name}")
    return 1 if bad or broken else 0


def run_well(lab: Laboratory, lanes: Sequence[Lane], scenario: Scenario) -> list[dict[str, str]] | None:
    """Run a scenario with all grants and cold functions; return what was allowed in it, None where it goes wrong."""
    chill(lab, "")
    forget(lab)
    began_s = time.monotonic()
    well = False
    try:
        with scenario.begin() as went_well:
            while not (well := went_well()) and time.monotonic() < began_s + WELL_S:
                time.sleep(0.1)
            time.sleep(AFTERWARDS_S)
    except (AssertionError, ValueError) as error:
        say(f"{scenario.name}: {error}")
    decisions = iam_decisions(lab.connection)
    denied = decisions["denied"]
    say(f"{'well' if well and not denied else 'NOT WELL'} in {time.monotonic() - began_s:.1f} s: {scenario.name}")
    for found in denied:
        say(f"  denied: {found}")
    tidy(lanes)
    return [dict(request) for request in decisions["allowed"]] if well and not denied else None


def judge(lab: Laboratory, lanes: Sequence[Lane], grant: Grant, leaning: Sequence[Scenario]) -> str:
    """Take a grant and say what comes of it."""
    if not leaning:
        words = f"{grant.role} {grant.action} {grant.resource}"
        listed = any(fnmatchcase(words, entry["grant"]) for entry in yaml.safe_load(UNSEEN.read_text()))
        return "unseen, with a reason" if listed else "UNLISTED"
    by_cost = sorted(leaning, key=lambda found: ("large" in found.name or "lost" in found.name, found.name))
    for scenario in by_cost[:TRIES]:
        with taken(lab.target, grant):
            if grant.action.startswith(KEPT_BY_WORKERS):
                chill(lab, grant.role)
            forget(lab)
            verdict = watched(lab, scenario, grant)
        tidy(lanes)
        if verdict != GREEN:
            return verdict
    return GREEN


def watched(lab: Laboratory, scenario: Scenario, grant: Grant) -> str:
    """Run a scenario until it is red, or well."""
    until_s = time.monotonic() + RED_S
    try:
        with scenario.begin() as went_well:
            while time.monotonic() < until_s:
                if denied(lab, grant):
                    return "red, denied"
                if went_well():
                    time.sleep(AFTERWARDS_S)
                    return "red, denied" if denied(lab, grant) else GREEN
                time.sleep(0.1)
    except (AssertionError, ValueError):
        return "red, does not begin"
    return "red, does not go well"


def denied(lab: Laboratory, grant: Grant) -> bool:
    """Return whether this very grant was missed."""
    return any(grant.allows(dict(request)) for request in iam_decisions(lab.connection)["denied"])


def chill(lab: Laboratory, role: str) -> None:
    """Let the functions of a role, or all, begin with a new process."""
    lambda_ = lab.target.client("lambda")
    for page in lambda_.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["Role"].endswith(role):
                # The same as before, and all the same a change: the emulator starts new processes for some only.
                lambda_.update_function_configuration(
                    FunctionName=function["FunctionName"], Timeout=function["Timeout"]
                )


def forget(lab: Laboratory) -> None:
    """Let the cloud forget what it decided."""
    httpx.delete(f"{lab.connection.endpoint_url}{IAM_ROUTE}").raise_for_status()


def tidy(lanes: Sequence[Lane]) -> None:
    """Leave nothing to the next scenario."""
    for lane in lanes:
        lane.stop_all()
        lane.lab.vendors[lane.vendor_name].reset()


def say(words: str) -> None:
    """Show progress."""
    print(words, flush=True)  # noqa: T201 - its output


if __name__ == "__main__":
    sys.exit(main())
