"""A cloud with several vendors, each as its preset describes it, and a simulator at the end of each lane.

What a preset says of rates is made small here: a laptop would start workers for hundreds of calls a second. Jobs are
asked about after seconds instead of minutes.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from headway_cdk.configuration import load_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.vendor import Vendor

from headway.deployment import local
from headway.deployment.stack import Stack
from headway.deployment.synthesis import ASSEMBLY
from headway.deployment.target import LocalTarget
from headway.simulator.event import compose
from headway.simulator.keys import load_or_create
from headway.simulator.offer import Limit, Offer
from headway.simulator.server import VendorServer
from headway.simulator.signed_callback import SignedCallback, write
from headway.simulator.simulator import Role
from headway.testing.ledger import records

PRESETS = CONFIGURATION / "presets"
IN_FLIGHT = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What is not the presets': calls a second, seconds until a job is asked about, its time, the share that fails."""

    rate_per_s: int = 4
    poll_after_s: int = 3
    job_time_s: float = 1.0
    fail_ratio: float = 0.4
    seed: int = 3
    """Of four jobs the first and the third fail (`headway/simulator/jobs.py`)."""


USUAL = Terms()


@dataclass(frozen=True, slots=True)
class PresetLab:
    """Deployed lanes, and the vendors at their ends, by name."""

    state_dir: Path
    configuration: Path
    target: LocalTarget
    stack: Stack
    vendors: Mapping[str, VendorServer]
    contracts: Mapping[str, Mapping[str, Any]]


@contextmanager
def preset_lab(state_dir: Path, names: Sequence[str], terms: Terms = USUAL) -> Iterator[PresetLab]:
    """Deploy the presets, tell vendors with an account where to call back, and leave nothing of it behind."""
    configuration = ASSEMBLY.parent / "presets" / "configuration"
    contracts = _configure(configuration, names, terms)
    with ExitStack() as open_vendors:
        vendors = {
            name: open_vendors.enter_context(
                VendorServer(_offer(state_dir, contract, terms), role=Role.described(contract))
            )
            for name, contract in contracts.items()
        }
        try:
            urls = {name: vendor.url for name, vendor in vendors.items()}
            assembly = configuration.parent / "assembly"
            cloud, stack = local.up(state_dir, urls, configuration=configuration, assembly=assembly)
            for name, vendor in vendors.items():
                vendor.account.callback_url = stack.callback_url(name)
            yield PresetLab(state_dir, configuration, LocalTarget(cloud.endpoint_url), stack, vendors, contracts)
        finally:
            local.down(state_dir)


def dead_letters(built: PresetLab, name: str) -> list[SignedCallback]:
    """Sign one success for each job of a vendor that the ledger has accepted."""
    vendor, url = Vendor.from_document(built.contracts[name]), built.stack.callback_url(name)
    key = load_or_create(built.state_dir, name).webhook_key(vendor.callbacks().verification)
    word, now = min(vendor.callbacks().success, default=None), datetime.now(tz=UTC)
    calls = records(built.target, built.stack.calls_table)
    job_ids = [call["job_id"] for call in calls if call["vendor"] == name and "job_id" in call]
    events = {job_id: compose(vendor, job_id, word, {}) for job_id in job_ids}
    return [write(vendor.callbacks(), key, f"msg_{job_id}", event, url, now) for job_id, event in events.items()]


def _configure(configuration: Path, names: Sequence[str], terms: Terms) -> dict[str, Mapping[str, Any]]:
    shutil.rmtree(configuration, ignore_errors=True)
    (configuration / "vendors").mkdir(parents=True)
    for schema in CONFIGURATION.glob("*.schema.json"):
        shutil.copy(schema, configuration)
    contracts = {}
    for name in names:
        contract = yaml.safe_load((PRESETS / f"{name}.yaml").read_text())
        holders = any(limit["quantity"] == "jobs_in_flight" for limit in contract["limits"])
        in_flight = [{"quantity": "jobs_in_flight", "amount": IN_FLIGHT}] if holders else []
        scope = "any" if _shared(contract) else "submit"
        rate = {"quantity": "calls", "amount": terms.rate_per_s, "per_s": 1, "scope": scope}
        contract["limits"] = [rate, *in_flight]
        contract["dispatch"] = {"urgent_concurrency": 0}
        if "poll" in contract:
            contract["poll"] |= {"after_s": terms.poll_after_s, "every_s": terms.poll_after_s}
        path = configuration / "vendors" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(contract))
        contracts[name] = load_contract(configuration, path)
    return contracts


def _shared(contract: Mapping[str, Any]) -> bool:
    """Return whether the vendor counts submits and polls together."""
    return any(limit.get("scope") == "any" for limit in contract["limits"])


def _offer(state_dir: Path, contract: Mapping[str, Any], terms: Terms) -> Offer:
    holders = any(limit["quantity"] == "jobs_in_flight" for limit in contract["limits"])
    return Offer(
        keys=load_or_create(state_dir, contract["vendor"]),
        submit=Limit(terms.rate_per_s, 1),
        poll=Limit(200, 1),
        in_flight=IN_FLIGHT if holders else None,
        shared=_shared(contract),
        job_time_s=terms.job_time_s,
        fail_ratio=terms.fail_ratio,
        seed=terms.seed,
    )
