"""A vendor as data: what it sells and how one speaks with it.

In: a contract document (`config/appconfig/vendors/*.yaml`), already checked against `vendor.schema.json` at synth and
by AppConfig. Out: a frozen dataclass with all numbers that follow from the contract, by reason to change: how fast
(`rates`), for how long (`timing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from headway_lane.contract.dispatch import Dispatch
from headway_lane.contract.exchange import Callback, Cancel, Credential, Poll, Submit, result_from_document
from headway_lane.contract.limit_headers import LimitHeaders, limit_headers_of
from headway_lane.contract.limits import Limit, Quantity, Scope, max_rps
from headway_lane.contract.timing import Timing, waits_from_document


@dataclass(frozen=True, slots=True)
class Vendor(Timing):
    """One vendor's contract file. `headers` go with every call; `limit_headers` are empty where names tell what they
    are.
    """

    name: str
    base_url: str
    credential: Credential | None
    headers: Mapping[str, str]
    limit_headers: Sequence[LimitHeaders] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a document that satisfies `vendor.schema.json`; KeyError or TypeError where it does not."""
        credential = document.get("credential")
        limits = tuple(
            Limit(amount=limit["amount"], per_s=limit["per_s"], scope=Scope(limit["scope"]))
            for limit in document["limits"]
            if limit["quantity"] == Quantity.CALLS
        )
        in_flight = [limit["amount"] for limit in document["limits"] if limit["quantity"] == Quantity.JOBS_IN_FLIGHT]
        return cls(
            name=document["vendor"],
            base_url=document["base_url"].rstrip("/"),
            limits=limits,
            jobs_in_flight=min(in_flight, default=None),
            credential=Credential(credential["header"], credential["format"]) if credential else None,
            submit=Submit.from_document(document["submit"]),
            headers=document.get("headers", {}),
            limit_headers=limit_headers_of(document),
            callback=Callback.from_document(document["callback"]) if "callback" in document else None,
            result=result_from_document(document["result"]),
            poll=Poll.from_document(document["poll"]) if "poll" in document else None,
            cancel=Cancel.from_document(document["cancel"]) if "cancel" in document else None,
            waits=waits_from_document(document["waits"]),
            dispatch=Dispatch.from_document(document.get("dispatch", {}), max_rps(limits, Scope.SUBMIT)),
        )

    def callbacks(self) -> Callback:
        """Return what the vendor's callbacks are like; ValueError where it calls nobody back."""
        if self.callback is None:
            raise ValueError(f"{self.name} calls nobody back")
        return self.callback
