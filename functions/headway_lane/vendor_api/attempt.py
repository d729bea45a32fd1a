"""One attempt at the vendor (hops 5 and 6): take a turn, send, tell the turns how it went. Submits, polls and lookups
all go this way, so that the order of these steps is said once.
"""

from collections.abc import Callable, Sequence
from typing import Final

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from headway_lane.contract.answers import QUESTION, Meaning, Rules
from headway_lane.contract.limit_headers import LimitHeaders
from headway_lane.limiter.core.signals import signals_of
from headway_lane.limiter.turn import Turns
from headway_lane.runtime import clock
from headway_lane.runtime.errors import InDoubt, RetryLater
from headway_lane.vendor_api.meaning import met

BUDGET_S: Final = 20.0
"""Seconds in which attempts may end and be repeated; with a pause and a last attempt it fits every timeout."""
ATTEMPTS: Final = 8
LONGEST_PAUSE_S: Final = 5.0
"""The longest pause between two attempts."""

pause_s: Final[Callable[[RetryCallState], float]] = wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE_S)


def attempt(
    turns: Turns,
    send: Callable[[], httpx.Response],
    *,
    unreached: str = "no answer",
    ready: Callable[[], None] = lambda: None,
    named: Sequence[LimitHeaders] = (),
    rules: Rules = QUESTION,
) -> httpx.Response:
    """Take a turn, send once, and return an answer that by the `rules` means neither `later` (429, where nothing else
    is said) nor `in_doubt` (5xx). A 5xx with any other meaning is no failure of the vendor's.

    Order: take, with `ready` shortly before its end, send, `answered` where an answer came, then `failed`, `refused`
    (the vendor, or the proxy's own throttle, asks for a cool-down) or `succeeded`. `named` are the limit headers that
    the contract names.

    Raises RetryLater where nothing happened: no turn, no connection (whose text begins with `unreached`), `later`.
    Raises InDoubt where nobody knows whether the vendor took the call: no answer, `in_doubt`. `retry_after_s` is what
    the answer asks for. Raises what `ready` raises.
    """
    try:
        turns.take(ready)
    except (BotoCoreError, ClientError) as error:  # a table, or Step Functions: the vendor has not been called
        raise RetryLater(f"no turn ({type(error).__name__})") from error
    try:
        answer = send()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        turns.failed()
        raise RetryLater(f"{unreached} ({type(error).__name__})") from error
    except httpx.TransportError as error:
        turns.failed()
        raise InDoubt(f"no answer ({type(error).__name__})") from error
    turns.answered()
    found = met(rules, answer)
    means = found.rule.means if found else None
    signals = signals_of(
        answer.status_code,
        answer.headers,
        clock.epoch_us() / 1_000_000,
        later=True if means is Meaning.LATER else None,
        named=named,
    )
    cool_down = signals.cool_down
    if signals.announced:
        turns.announced(signals.announced)
    failed = means is Meaning.IN_DOUBT and answer.is_server_error
    if failed:
        turns.failed()
    if cool_down and (failed or means is Meaning.LATER):
        turns.refused(cool_down)
    if not failed and means is not Meaning.LATER:
        turns.succeeded(cool_down)
    if means not in (Meaning.LATER, Meaning.IN_DOUBT):
        return answer
    consequence = RetryLater if means is Meaning.LATER else InDoubt
    raise consequence(f"HTTP {answer.status_code}", cool_down.asked_s if cool_down else None)


def repeating(
    again: Callable[[BaseException], bool],
    sleep_s: Callable[[float], None],
    wait_s: Callable[[RetryCallState], float] = pause_s,
) -> Retrying:
    """Return what repeats an attempt within the budget while its error says `again`; the last error is raised."""
    return Retrying(
        retry=retry_if_exception(again),
        stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(BUDGET_S),
        wait=wait_s,
        sleep=sleep_s,
        reraise=True,
    )
