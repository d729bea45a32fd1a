"""Where scenarios run: with all grants, to see which they lean on, and with one of them taken."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

import httpx
from botocore.exceptions import ClientError
from headway_cdk.names import role_name
from headway_cdk.stages import DEFAULT_STAGE

from headway.cloud.routes import IAM_ROUTE
from headway.testing.laboratory import Laboratory, iam_decisions
from tests.proofs.iam.grants import Grant, taken
from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario

PATIENCE_S = 30.0
AFTERWARDS_S = 1.0
"""How long a denial may still come after a scenario has gone well: polls and logs."""
PAUSE_S = 0.1
TROUBLE = (AssertionError, ClientError, httpx.HTTPError)
"""How a scenario says that it does not go well."""
KEPT_BY_WORKERS = ("secretsmanager:", "appconfig:")
"""What a warm function does not ask for again."""


@dataclass(frozen=True, slots=True)
class Course:
    """A scenario that went well: how long it took, and what was allowed in it."""

    scenario: Scenario
    took_s: float
    allowed: Sequence[Mapping[str, str]]

    def leans_on(self, grant: Grant) -> bool:
        """Return whether a grant allowed something in it."""
        return any(grant.allows(request) for request in self.allowed)


@dataclass(frozen=True, slots=True)
class Stage:
    """The cloud and its lanes by their vendors' names. Each run leaves its lane tidy."""

    lab: Laboratory
    lanes: Mapping[str, Lane]

    def run_well(self, scenario: Scenario) -> Course | None:
        """Run a scenario with all grants and cold functions; None where it goes wrong, or something is denied."""
        self._chill(role_name(DEFAULT_STAGE, scenario.vendor_name, "*"))
        self._forget()
        began_s = time.monotonic()
        said = "NOT WELL"
        try:
            with closing(scenario.steps()) as steps:
                for _ in steps:
                    if time.monotonic() > began_s + PATIENCE_S:
                        break
                    time.sleep(PAUSE_S)
                else:
                    said = "well"
        except TROUBLE as error:
            said += f" ({error})"
        took_s = time.monotonic() - began_s
        time.sleep(AFTERWARDS_S)
        decisions = iam_decisions(self.lab.connection)
        self.lanes[scenario.vendor_name].tidy()
        say(f"{said} in {took_s:.1f} s: {scenario.vendor_name}: {scenario.name}")
        for found in decisions["denied"]:
            say(f"  denied: {found}")
        return Course(scenario, took_s, decisions["allowed"]) if said == "well" and not decisions["denied"] else None

    def misses(self, grant: Grant, scenario: Scenario) -> bool:
        """Take a grant, run a scenario, and return whether this very grant was missed, however the scenario ended."""
        with taken(self.lab.target, grant):
            if grant.action.startswith(KEPT_BY_WORKERS):
                self._chill(grant.role)
            self._forget()
            missed = self._watch(grant, scenario)
        self.lanes[scenario.vendor_name].tidy()
        return missed

    def _watch(self, grant: Grant, scenario: Scenario) -> bool:
        until_s = time.monotonic() + PATIENCE_S
        with suppress(*TROUBLE), closing(scenario.steps()) as steps:
            for _ in steps:
                if self._missed(grant):
                    return True
                if time.monotonic() > until_s:
                    return False
                time.sleep(PAUSE_S)
        time.sleep(AFTERWARDS_S)
        return self._missed(grant)

    def _missed(self, grant: Grant) -> bool:
        return any(grant.allows(request) for request in iam_decisions(self.lab.connection)["denied"])

    def _chill(self, roles: str) -> None:
        """Let the functions of these roles begin with a new process."""
        lambda_ = self.lab.target.client("lambda")
        for page in lambda_.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                if fnmatchcase(function["Role"].rpartition("/")[2], roles):
                    # The same as before, and all the same a change: the emulator starts new processes for some only.
                    lambda_.update_function_configuration(
                        FunctionName=function["FunctionName"], Timeout=function["Timeout"]
                    )

    def _forget(self) -> None:
        """Let the cloud forget what it decided."""
        httpx.delete(f"{self.lab.connection.endpoint_url}{IAM_ROUTE}").raise_for_status()


def say(words: str) -> None:
    """Show progress."""
    print(words, flush=True)  # noqa: T201 - its output
