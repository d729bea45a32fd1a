"""A simulated vendor at the end of a lane, in a thread of this process or in a process of its own.

In: what it sells. Out: a LabVendor, which asks the vendor by its control routes, wherever it runs.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from headway.cloud.port import free_port
from headway.simulator.ingress import CONTROL_PREFIX
from headway.simulator.keys import VendorKeys, load_or_create
from headway.simulator.offer import Offer
from headway.simulator.server import VendorServer
from headway.simulator.simulator import REPLICATE, Role
from headway.simulator.vendor_report import VendorReport
from headway.testing.waiting import until


@dataclass(frozen=True, slots=True)
class LabVendor:
    """Where a vendor is and what it shares with us; `call_back_at` tells one with an account where to call back."""

    name: str
    url: str
    keys: VendorKeys
    call_back_at: Callable[[str], None] = lambda _: None

    def report(self) -> VendorReport:
        """Return what the vendor saw since its last reset, with the arrival of every call."""
        return VendorReport.from_json(self._report(arrivals="1"))

    def tagged_report(self, field: str) -> tuple[VendorReport, list[Any]]:
        """Return the same with one field of every accepted payload, in the order of acceptance."""
        document = self._report(arrivals="1", tags=field)
        return VendorReport.from_json(document), document["tags"]

    def admitted_count(self, scope: str = "submit") -> int:
        """Count the calls that the vendor let in since its last reset."""
        return int(self._report()["scopes"][scope]["admitted_count"])

    def reset(self) -> None:
        """Let the vendor forget what it saw, its jobs and its faults."""
        self._post("reset")

    def switch(self, **faults: float | bool) -> None:
        """Switch faults on or off (`simulator.faults`)."""
        self._post("faults", json=faults)

    @contextmanager
    def faulty(self, **faults: float) -> Iterator[None]:
        """Switch faults on for a while."""
        self.switch(**faults)
        try:
            yield
        finally:
            self.switch(**{name: type(value)() for name, value in faults.items()})

    def _report(self, **wanted: str) -> dict[str, Any]:
        document: dict[str, Any] = httpx.get(self._control("report"), params=wanted).json()
        return document

    def _post(self, route: str, **request: Any) -> None:
        httpx.post(self._control(route), **request).raise_for_status()

    def _control(self, route: str) -> str:
        return f"{self.url}{CONTROL_PREFIX}{route}"


@contextmanager
def in_thread(state_dir: Path, name: str, offer: Offer, role: Role = REPLICATE) -> Iterator[LabVendor]:
    """Serve a vendor here, with the keys of a state folder in place of the offer's own."""
    keys = load_or_create(state_dir, name)
    with VendorServer(replace(offer, keys=keys), role=role) as server:

        def call_back_at(url: str) -> None:
            server.account.callback_url = url

        yield LabVendor(name, server.url, keys, call_back_at)


@contextmanager
def in_process(state_dir: Path, name: str, options: Mapping[str, object]) -> Iterator[LabVendor]:
    """Run `headway vendor` with options such as `--submit-rate`, so that the vendor's clock and core are not ours.

    It has the shape of that name, unless the options have a `--contract`, whose vendor has that name.
    """
    port = free_port(None)
    shape = {} if "--contract" in options else {"--shape": name}
    given = {**options, **shape, "--port": port, "--state-dir": state_dir}
    words = [str(word) for option in given.items() for word in option]
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", "from headway.cli import main; main()", "vendor", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url))
        yield LabVendor(name, url, load_or_create(state_dir, name))
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}{CONTROL_PREFIX}health").is_success
    return False
