"""A retrier's MaxDelaySeconds bounds its delays, and JitterStrategy FULL takes a random part of each.

AWS: Developer Guide, "Retrying after an error": a delay is at most MaxDelaySeconds, and FULL chooses between 0 and the
delay. Without MaxDelaySeconds it grows as BackoffRate says. ministack stops at 60 s and has no jitter. SFN_WAIT_SCALE
still shortens what comes out.
"""

import random
from collections.abc import Mapping
from typing import Any

from headway.cloud.patches import tasks

INTERVAL_S = 1
BACKOFF_RATE = 2.0
"""Defaults of IntervalSeconds and BackoffRate, from the same page."""


def delay_s(retrier: Mapping[str, Any], count: int) -> float:
    """Return the seconds before the next attempt; `count` is how often this retrier has been used."""
    longest_s: float = retrier.get("IntervalSeconds", INTERVAL_S) * retrier.get("BackoffRate", BACKOFF_RATE) ** count
    longest_s = min(longest_s, retrier.get("MaxDelaySeconds", longest_s))
    return random.uniform(0, longest_s) if retrier.get("JitterStrategy") == "FULL" else longest_s  # noqa: S311


def apply() -> None:
    """Replace ministack's delays."""
    tasks.delay_s = delay_s
