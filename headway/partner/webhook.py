"""A vendor's webhook as its contract file describes it, with the keys and the URL that belong to it on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from headway_lane.contract.exchange import Callback
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.errors import KeysRefused
from headway_lane.verification.keys import judged, keys_of

from headway.deployment.connection import connect
from headway.deployment.contracts import contract_document
from headway.errors import NotDeployed, UsageProblem
from headway.simulator.keys import load_or_create


@dataclass(frozen=True, slots=True)
class PartnerWebhook:
    """A contract that has callbacks: the document beside the model made of it, and what it says of callbacks."""

    document: Mapping[str, Any]
    vendor: Vendor
    callback: Callback

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a contract file. Raises ConfigurationRefused, or UsageProblem where the vendor calls nobody back."""
        document = contract_document(path)
        vendor = Vendor.from_document(document)
        if vendor.callback is None:
            raise UsageProblem(f"{path}: `callback` is missing: {vendor.name} is polled, and calls nobody back")
        return cls(document, vendor, vendor.callback)

    def keys(self, given: str | None, state_dir: Path) -> Sequence[str]:
        """Return the webhook keys that were given, newest first, or else the simulator's.

        Raises KeysUnreadable, and UsageProblem where one that was given is no key of the contract's scheme.
        """
        if not given:
            return [load_or_create(state_dir, self.vendor.name).webhook_key(self.callback.verification)]
        try:
            keys = judged(keys_of(given), self.callback.verification)
        except KeysRefused as refused:
            raise UsageProblem(f"the webhook key that was given: {refused}") from refused
        if keys.refused or not keys.usable:
            raise UsageProblem(f"the webhook key that was given: {'; '.join(keys.refused) or 'it is empty'}")
        return keys.usable


def deployed_callback_url(vendor_name: str, state_dir: Path) -> str:
    """Return where a vendor calls back on the embedded cloud of a state folder. Raises NotDeployed."""
    return connect(state_dir=state_dir).stage.callback_url(vendor_name)


def callback_url_if_any(vendor_name: str, state_dir: Path) -> str | None:
    """Return the same, or None where nothing is deployed."""
    try:
        return deployed_callback_url(vendor_name, state_dir)
    except NotDeployed:
        return None
