"""Delivers callbacks: signed as the contract says, retried with backoff, counted, and spoilt on request.

In: a URL, a message ID and a body. Out: POST requests to the receiver.
"""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
from headway_lane.contract.exchange import Callback
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from headway.simulator.faults import Faults
from headway.simulator.keys import VendorKeys
from headway.simulator.offer import Offer
from headway.simulator.signed_callback import STANDARD, write
from headway.simulator.vendor_report import CallbackReport

MAX_BACKOFF_S = 30.0


class CallbackSender:
    """Posts callbacks and keeps count; the HTTP client is handed in and closed by its owner."""

    def __init__(self, offer: Offer, faults: Faults, client: httpx.AsyncClient, callback: Callback = STANDARD) -> None:
        self._callback = callback
        self._draw = random.Random(offer.seed).random  # noqa: S311 - repeatable, not secret
        self._offer = offer
        self._faults = faults
        self._client = client
        self._key, self._other_key = (
            keys.webhook_key(callback.verification) for keys in (offer.keys, VendorKeys.generate())
        )
        self.counts = CallbackReport()

    def reset(self) -> None:
        """Start counting from zero."""
        self.counts = CallbackReport()

    async def deliver(self, url: str, message_id: str, body: Mapping[str, Any], forged_body: Mapping[str, Any]) -> None:
        """Deliver `body`, within the bounded number of attempts; under the forging fault, `forged_body` goes first."""
        if self._faults.lost_callbacks or self._draw() < self._faults.lost_ratio:
            self._count(lost_count=1)
            return
        if self._faults.forged_copies or self._draw() < self._faults.forged_ratio:
            self._count(forged_count=1)
            await self._post_unheeded(self._other_key, url, message_id, forged_body)
        try:
            await self._post_until_taken(url, message_id, body)
        except httpx.HTTPError:
            self._count(failed_count=1)
            return
        self._count(delivered_count=1)
        if self._faults.duplicate_callbacks or self._draw() < self._faults.duplicate_ratio:
            self._count(duplicate_count=1)
            await self._post_unheeded(self._key, url, message_id, body)

    async def _post_until_taken(self, url: str, message_id: str, body: Mapping[str, Any]) -> None:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(httpx.HTTPError),
            stop=stop_after_attempt(self._offer.callback_attempts),
            wait=wait_random_exponential(multiplier=self._offer.callback_backoff_s, max=MAX_BACKOFF_S),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                self._count(attempt_count=1)
                await self._post(self._key, url, message_id, body)

    async def _post_unheeded(self, key: str, url: str, message_id: str, body: Mapping[str, Any]) -> None:
        """Post once; what the receiver makes of it is the receiver's business."""
        try:
            await self._post(key, url, message_id, body)
        except httpx.HTTPError:
            return

    async def _post(self, key: str, url: str, message_id: str, body: Mapping[str, Any]) -> None:
        now = datetime.now(tz=UTC)  # every attempt is signed anew, so that a late one is not refused as stale
        signed = write(self._callback, key, message_id, body, url, now)
        timeout = httpx.Timeout(self._offer.callback_timeout_s, pool=None)  # waiting for our own pool is no failure
        response = await self._client.post(url, content=signed.content, headers=signed.headers, timeout=timeout)
        response.raise_for_status()

    def _count(self, **increments: int) -> None:
        self.counts = replace(
            self.counts, **{name: getattr(self.counts, name) + more for name, more in increments.items()}
        )
