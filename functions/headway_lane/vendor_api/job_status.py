"""Asking the vendor how a job stands (beside hop 10): it changes nothing there, and takes a slot that results leave."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx

from headway_lane.contract.answers import Meaning
from headway_lane.contract.exchange import Poll
from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import RetryLater
from headway_lane.vendor_api.meaning import met
from headway_lane.vendor_api.poll import filled
from headway_lane.vendor_api.poll import poll as ask_once
from headway_lane.vendor_api.proxy import Proxy


class Standing(StrEnum):
    """How a job stands at the vendor."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"
    """The vendor has no such job, or none any more."""


@dataclass(frozen=True, slots=True)
class JobFinding:
    """How a job stands, in our word and in the vendor's."""

    standing: Standing
    status: str


_STANDINGS: Final = {
    Meaning.DONE: Standing.SUCCEEDED,
    Meaning.FAILED: Standing.FAILED,
    Meaning.PENDING: Standing.PENDING,
    Meaning.GONE: Standing.UNKNOWN,
}


def ask(proxy: Proxy, poll: Poll, job_id: str, turns: Turns, age_s: float = math.inf) -> JobFinding:
    """Ask once, `age_s` seconds after the job was accepted. Raises RetryLater where there is no answer now, or none
    that the contract has a word for.
    """
    try:
        path = filled(poll.path, job_id=job_id)
    except ValueError as error:
        raise RetryLater(str(error)) from error
    return finding_of(poll, ask_once(proxy, poll.method, path, poll.timeout_s, turns, poll.rules(age_s)), age_s)


def finding_of(poll: Poll, answer: httpx.Response, age_s: float = math.inf) -> JobFinding:
    """Read an answer by the contract; RetryLater where that has no word for it."""
    found = met(poll.rules(age_s), answer)
    if found is None or found.rule.means not in _STANDINGS:
        raise RetryLater(f"HTTP {answer.status_code}, with a status in none of the contract's lists")
    return JobFinding(_STANDINGS[found.rule.means], found.word)
