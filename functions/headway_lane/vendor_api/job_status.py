"""Asking the vendor how a job stands (beside hop 10): it changes nothing there, and takes a slot that results leave."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx

from headway_lane.contract import paths
from headway_lane.contract.exchange import Poll
from headway_lane.limiter.turn import Turns
from headway_lane.messages import json_text
from headway_lane.runtime.errors import RetryLater
from headway_lane.vendor_api.poll import filled
from headway_lane.vendor_api.poll import poll as ask_once
from headway_lane.vendor_api.proxy import Proxy

UNKNOWN_CODES: Final = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})


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


def ask(proxy: Proxy, poll: Poll, job_id: str, turns: Turns) -> JobFinding:
    """Ask once. Raises RetryLater where there is no answer now, or none that the contract has a word for."""
    try:
        path = filled(poll.path, job_id=job_id)
    except ValueError as error:
        raise RetryLater(str(error)) from error
    answer = ask_once(proxy, poll.method, path, poll.timeout_s, turns)
    return finding_of(poll, answer)


def finding_of(poll: Poll, answer: httpx.Response) -> JobFinding:
    """Read an answer by the contract; RetryLater where that has no word for it. An answer that is no success has its
    code for a word, where the contract reads the others from the body, too.
    """
    in_the_body = poll.status if answer.is_success else None
    word = _word(in_the_body, answer) if in_the_body is not None else str(answer.status_code)
    words = {Standing.SUCCEEDED: poll.success, Standing.FAILED: poll.failure, Standing.PENDING: poll.pending}
    for standing, said in words.items():
        if word is not None and word in said:
            return JobFinding(standing, word)
    if answer.status_code in UNKNOWN_CODES:
        return JobFinding(Standing.UNKNOWN, str(answer.status_code))
    raise RetryLater(f"HTTP {answer.status_code}, with a status in none of the contract's lists")


def _word(path: str, answer: httpx.Response) -> str | None:
    try:
        return paths.word(paths.read(json_text.read(answer.content), path))
    except ValueError:
        return None
