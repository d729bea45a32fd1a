"""A laboratory with several vendors, each as its preset or another contract describes it, and a simulator at the end of
each lane.

What a contract says of rates is made small here: a laptop would start workers for hundreds of calls a second. Jobs are
asked about after seconds instead of minutes.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from headway_cdk.project import bare
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallAttribute

from headway.deployment.contracts import contract_document
from headway.deployment.places import STATE_DIR
from headway.simulator.composed_event import compose
from headway.simulator.keys import VendorKeys
from headway.simulator.offer import Offer
from headway.simulator.rate import Rate
from headway.simulator.signed_callback import SignedCallback, write
from headway.simulator.simulator import Role
from headway.testing.lab_vendor import in_thread
from headway.testing.laboratory import Laboratory, deployed

PRESETS = CONFIGURATION / "presets"
IN_FLIGHT = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract says otherwise: calls a second, seconds until a job is asked about, its time, failing share."""

    rate_per_s: int = 4
    poll_after_s: int = 3
    job_time_s: float = 1.0
    fail_ratio: float = 0.4
    seed: int = 3
    """Of four jobs the first and the third fail (`headway/simulator/jobs.py`)."""
    in_flight_count: int = IN_FLIGHT
    dispatch: Mapping[str, Any] = field(default_factory=lambda: {"urgent_concurrency": 0})
    direct: Collection[str] = ()
    """The vendors among them that are called straight from Step Functions; what only code could do is left out."""


USUAL = Terms()


@contextmanager
def preset_laboratory(state_dir: Path, names: Sequence[str], terms: Terms = USUAL) -> Iterator[Laboratory]:
    """Deploy presets, all under the same terms."""
    with contract_laboratory(state_dir, {PRESETS / f"{name}.yaml": terms for name in names}) as laboratory:
        yield laboratory


@contextmanager
def contract_laboratory(state_dir: Path, lanes: Mapping[Path, Terms]) -> Iterator[Laboratory]:
    """Deploy contract files, each under its terms, with a vendor at the end of each lane, and leave nothing of it
    behind.
    """
    folder = (STATE_DIR / "presets").resolve()
    contracts = _configure(folder / "configuration", lanes)
    with ExitStack() as opened:
        vendors = [
            opened.enter_context(
                in_thread(state_dir, contract["vendor"], _offer(contract, terms), Role.described(contract))
            )
            for contract, terms in contracts
        ]
        yield opened.enter_context(
            deployed(state_dir, vendors, project=bare(folder / "configuration"), assembly=folder / "assembly")
        )


def signed_answers(lab: Laboratory, vendor_name: str) -> list[SignedCallback]:
    """Sign one success for each job of a vendor that the ledger has accepted."""
    vendor, url = Vendor.from_document(lab.contracts[vendor_name]), lab.stage.callback_url(vendor_name)
    key = lab.vendors[vendor_name].keys.webhook_key(vendor.callbacks().verification)
    word, now = min(vendor.callbacks().success, default=None), datetime.now(tz=UTC)
    job_ids = [
        call[CallAttribute.JOB_ID]
        for call in lab.records(lab.stage.lanes[vendor_name].calls_table)
        if CallAttribute.JOB_ID in call
    ]
    events = {job_id: compose(vendor, job_id, word, {}) for job_id in job_ids}
    return [write(vendor.callbacks(), key, f"msg_{job_id}", event, url, now) for job_id, event in events.items()]


def _configure(configuration: Path, lanes: Mapping[Path, Terms]) -> list[tuple[Mapping[str, Any], Terms]]:
    """Write each contract under its terms, and return the documents with them."""
    shutil.rmtree(configuration, ignore_errors=True)
    (configuration / "vendors").mkdir(parents=True)
    contracts = []
    for source, terms in lanes.items():
        contract = yaml.safe_load(source.read_text())
        vendor = Vendor.from_document(contract)
        in_flight = [{"quantity": "jobs_in_flight", "amount": terms.in_flight_count}] if vendor.jobs_in_flight else []
        rate = {
            "quantity": "calls",
            "amount": terms.rate_per_s,
            "per_s": 1,
            "scope": vendor.budget_scope(Scope.SUBMIT).value,
        }
        contract["limits"] = [rate, *in_flight]
        contract["dispatch"] = dict(terms.dispatch)
        if vendor.name in terms.direct:
            contract["dispatch"] |= {"pacing": "delay", "direct": True}
            contract = {part: said for part, said in contract.items() if part not in ("credential", "poll")}
        if "poll" in contract:
            contract["poll"] |= {"after_s": terms.poll_after_s, "every_s": terms.poll_after_s}
        path = configuration / "vendors" / source.name
        path.write_text(yaml.safe_dump(contract))
        contracts.append((contract_document(path), terms))
    return contracts


def _offer(contract: Mapping[str, Any], terms: Terms) -> Offer:
    """Sell what the contract says; polls that it does not count are hardly limited."""
    return replace(
        Offer.of(Vendor.from_document(contract), VendorKeys.generate()),
        poll=Rate(200, 1),
        job_time_s=terms.job_time_s,
        fail_ratio=terms.fail_ratio,
        seed=terms.seed,
    )
