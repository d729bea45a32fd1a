"""What a vendor says, read by its contract: for tests of a contract file, before anything is deployed.

In: a contract file, and a file of examples: `job_id`; `answer` to a submit (`body`, `headers`); `callbacks` (`says`,
`body`); `polls` (`says`, `status`). Out: for each what was meant, and what Headway reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from headway_lane.callback import event
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.errors import HeadwayError
from headway_lane.vendor_api.job_status import finding_of
from headway_lane.vendor_api.submission import job_id_of

from headway.deployment.contracts import contract_document
from headway.errors import UsageProblem

CREATED: Final = 201
"""Status of an example's answer."""


@dataclass(frozen=True, slots=True)
class ReadExample:
    """One thing that a vendor says: what it means, and what is read."""

    name: str
    meant: str
    read: str


def read_examples(contract: Path, examples: Path) -> Sequence[ReadExample]:
    """Read a vendor's examples by its contract. Raises ConfigurationRefused or UsageProblem, with the file."""
    vendor = Vendor.from_document(contract_document(contract))
    document = yaml.safe_load(examples.read_text())
    try:
        return list(_read(vendor, document))
    except (KeyError, TypeError) as error:
        raise UsageProblem(f"{examples}: lacks {error}; it needs `job_id`, `answer`, `callbacks` or `polls`") from error


def _read(vendor: Vendor, document: Mapping[str, Any]) -> Iterator[ReadExample]:
    job_id = str(document["job_id"])
    answer = _response(CREATED, document["answer"])
    yield ReadExample("answer", job_id, _said(lambda: job_id_of(vendor, answer)))
    for number, sent in enumerate(document.get("callbacks", ()), 1):
        about = () if sent["says"] == event.EventKind.IGNORED else (job_id,)
        read = _said(partial(_event, vendor, sent["body"].encode()))
        yield ReadExample(f"callback-{number}-{sent['says']}", " ".join((sent["says"], *about)), read)
    for number, sent in enumerate(document.get("polls", ()), 1):
        read = _said(partial(_standing, vendor, _response(sent["status"], sent)))
        yield ReadExample(f"poll-{number}-{sent['says']}", sent["says"], read)


def _response(status: int, said: Mapping[str, Any]) -> httpx.Response:
    return httpx.Response(status, json=said.get("body"), headers=said.get("headers"))


def _event(vendor: Vendor, body: bytes) -> str:
    if vendor.callback is None:
        return "the contract has no `callback`"
    read = event.read(vendor.callback, body)
    if read.complaint:
        raise read.complaint
    return ", ".join(f"{one.kind} {one.job_id}".strip() for one in read.events)


def _standing(vendor: Vendor, answer: httpx.Response) -> str:
    return finding_of(vendor.poll, answer).standing if vendor.poll else "the contract has no `poll`"


def _said(read: Callable[[], str]) -> str:
    try:
        return read()
    except HeadwayError as refusal:
        return f"unreadable: {refusal}"
