"""Faults of the embedded cloud for as long as a block lasts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import httpx

from headway.cloud.faults import Fault
from headway.cloud.routes import FAULTS_ROUTE


class ActiveFaults:
    """Faults that hold now."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, faults: Sequence[Fault]) -> None:
        """Put these in place of all that there are."""
        answer = self._http.post(FAULTS_ROUTE, json={"faults": [asdict(fault) for fault in faults]})
        answer.raise_for_status()

    def met_counts(self) -> list[int]:
        """Return how many requests each fault has met so far, in their order."""
        document: dict[str, Any] = self._http.get(FAULTS_ROUTE).raise_for_status().json()
        return [fault["met_count"] for fault in document["faults"]]

    def end(self) -> None:
        """Take all away."""
        self._http.delete(FAULTS_ROUTE).raise_for_status()


@contextmanager
def faults(endpoint_url: str, *wanted: Fault) -> Iterator[ActiveFaults]:
    """Let the embedded cloud at `endpoint_url` have these faults inside the block, and none after it."""
    with httpx.Client(base_url=endpoint_url, trust_env=False) as http:
        active = ActiveFaults(http)
        try:
            active.ask(wanted)
            yield active
        finally:
            active.end()
