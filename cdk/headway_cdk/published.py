"""What a lane tells of itself in SSM parameters: written by its constructs, read by other stacks and by commands."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

from headway_lane.contract.vendor import Vendor


@dataclass(frozen=True, slots=True)
class PublishedState:
    """What outlives every deployment of a lane: names of tables and bucket, URLs of queues, ARNs of secrets.

    Each is a parameter under its name here. None where the contract asks for none: `urgent_queue_url` is for lanes with
    an urgent queue, the callback queues and `webhook_key_arn` for vendors that call back, `api_token_arn` for those
    that want a credential.
    """

    calls_table: str
    jobs_table: str
    budgets_table: str
    claims_bucket: str
    request_queue_url: str
    request_dlq_url: str
    results_queue_url: str
    urgent_queue_url: str | None = None
    callback_queue_url: str | None = None
    callback_dlq_url: str | None = None
    api_token_arn: str | None = None
    webhook_key_arn: str | None = None

    @property
    def request_queue_urls(self) -> list[str]:
        """All queues that requests wait in, the urgent one first."""
        return [url for url in (self.urgent_queue_url, self.request_queue_url) if url is not None]


def state_of(vendor: Vendor) -> list[str]:
    """Return the names of what a vendor's state holds: which optional ones follows from its contract."""
    asked_for = {
        "urgent_queue_url": vendor.dispatch.urgent_concurrency > 0,
        "callback_queue_url": vendor.callback is not None,
        "callback_dlq_url": vendor.callback is not None,
        "webhook_key_arn": vendor.callback is not None,
        "api_token_arn": vendor.credential is not None,
    }
    return [field.name for field in fields(PublishedState) if asked_for.get(field.name, True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLane(PublishedState):
    """A lane as a whole: its state, ARNs of its machines, names of its functions, where its vendor calls back.

    None where the contract asks for none: `caller_function` is for lanes that are not direct, `callback_function` and
    `callback_url` for vendors that call back.
    """

    call_vendor_machine_arn: str
    dispatch_machine_arn: str
    dispatcher_function: str
    settler_function: str
    results_function: str
    proxy_api_id: str
    caller_function: str | None = None
    callback_function: str | None = None
    callback_url: str | None = None

    def as_json(self) -> Mapping[str, str]:
        """Return what is there, as the parameter tells it."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a parameter; TypeError where a resource is missing. What a newer version adds is left."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})
