"""One turn of the fuzzing: requests posted to a webhook, what it answered, and what should become of what it stored."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import httpx
from headway_lane.callback.event import EventKind
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import job_key

from benchmarks.nonsense import WebhookRequest
from headway.partner.judgement import judge
from headway.partner.openapi import REFUSALS
from headway.testing.laboratory import Laboratory

SENDING_S: Final = 120.0
"""How long one turn may take at one webhook."""
TAKEN: Final = "Taken"


@dataclass(frozen=True, slots=True)
class FuzzTurn:
    """What a webhook answered, by status; what should become of what it stored, dead letters by their outcome; and the
    keys of the job records that should be there for it.
    """

    answers: Counter[str]
    undocumented_count: int
    unsent_count: int
    fates: Counter[str]
    jobs: frozenset[str]

    def __add__(self, other: Self) -> "FuzzTurn":
        """Count two turns at one webhook together."""
        return FuzzTurn(
            self.answers + other.answers,
            self.undocumented_count + other.undocumented_count,
            self.unsent_count + other.unsent_count,
            self.fates + other.fates,
            self.jobs | other.jobs,
        )

    @property
    def server_errors_count(self) -> int:
        """Requests that were answered 500 or above, or not at all."""
        return sum(count for answer, count in self.answers.items() if not answer.isdigit() or int(answer) >= 500)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a vendor calls back, and the key with which it signs."""

    vendor: Vendor
    url: str
    key: str

    @classmethod
    def of(cls, lab: Laboratory, name: str) -> Self:
        """Find a vendor's webhook in a laboratory."""
        vendor = Vendor.from_document(lab.contracts[name])
        key = lab.vendors[name].keys.webhook_key(vendor.callbacks().verification)
        return cls(vendor, lab.stage.callback_url(name), key)

    def signed(self, attempts: Sequence[WebhookRequest]) -> list[WebhookRequest]:
        """Return those that the vendor could sign, signed now."""
        signed = (attempt.signed(self.vendor, self.key, self.url) for attempt in attempts)
        return [attempt for attempt in signed if attempt]

    def post(self, attempts: Sequence[WebhookRequest]) -> FuzzTurn:
        """Post one after the other while there is time, and say what should become of each that was stored."""
        answers: Counter[str] = Counter()
        fates: Counter[str] = Counter()
        jobs: set[str] = set()
        undocumented_count, deadline_s = 0, time.monotonic() + SENDING_S
        with httpx.Client(trust_env=False, timeout=30) as client:
            for attempt in attempts:
                if time.monotonic() > deadline_s:
                    break
                status = self._answer(client, attempt)
                answers[status] += 1
                if attempt.method != "POST":
                    continue
                if status == str(self.vendor.callbacks().acknowledgement.status):
                    fate, keys = self._fate(attempt)
                    fates[fate] += 1
                    jobs |= keys
                elif status not in REFUSALS:
                    undocumented_count += 1
        return FuzzTurn(answers, undocumented_count, len(attempts) - answers.total(), fates, frozenset(jobs))

    def _answer(self, client: httpx.Client, attempt: WebhookRequest) -> str:
        """Return the status of the answer, or the name of what came instead of one."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in attempt.headers.items()]
        try:
            answer = client.request(attempt.method, self.url, content=attempt.content, headers=headers)
        except httpx.TransportError as error:
            return type(error).__name__
        return str(answer.status_code)

    def _fate(self, attempt: WebhookRequest) -> tuple[str, set[str]]:
        judgement = judge(self.vendor.callbacks(), attempt.content, attempt.headers, [self.key], time.time(), self.url)
        final = {event.job_id for event in judgement.events if event.kind in (EventKind.SUCCESS, EventKind.FAILURE)}
        fate = TAKEN if judgement.reason is None else judgement.reason.partition(":")[0].capitalize()
        return fate, {job_key(self.vendor.name, job_id) for job_id in final}
