"""The minute of CloudWatch, shared by all that has metrics: counts until it is over, then one point for each metric.

A request costs one addition. Once a minute, on the loop that serves requests, whoever can say how much there is now is
asked, the points are stored, and whoever waits for them is told. HEADWAY_METRIC_MINUTE_S makes that minute shorter, for
tests only: AWS's is 60 s, and its alarms look once a minute.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ministack import app
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch

MINUTE_VARIABLE: Final = "HEADWAY_METRIC_MINUTE_S"
AWS_MINUTE_S: Final = 60.0

Key = tuple[str, str, str, str, tuple[tuple[str, str], ...], str]
"""Account, region, namespace, metric, dimensions, unit."""


@dataclass(slots=True)
class StatisticSet:
    """What was said of a metric in this minute, as CloudWatch's statistic set."""

    sample_count: float = 0
    total: float = 0
    least: float = math.inf
    most: float = -math.inf

    def add(self, value: float) -> None:
        """Count one value more."""
        self.sample_count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def statistics(self) -> dict[str, float]:
        """Return it by CloudWatch's names."""
        return {
            "SampleCount": self.sample_count,
            "Sum": self.total,
            "Minimum": self.least,
            "Maximum": self.most,
        }


@dataclass(slots=True)
class Minutes:
    """What is counted in this minute, and who is asked and told at its end."""

    length_s: float
    tallies: dict[Key, StatisticSet] = field(default_factory=dict)
    samplers: list[Callable[[float], None]] = field(default_factory=list)
    listeners: list[Callable[[float], None]] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _ticking: bool = False

    def count(self, namespace: str, metric: str, dimensions: Mapping[str, str], value: float, unit: str) -> None:
        """Add a value to a metric of the account and region of this request."""
        key = (get_account_id(), get_region(), namespace, metric, tuple(sorted(dimensions.items())), unit)
        with self._guard:  # workers of functions and executions are threads
            self.tallies.setdefault(key, StatisticSet()).add(value)

    def end(self, now_s: float) -> None:
        """End the minute: ask, store one point for each metric, tell. Points carry the time at which it began."""
        for sample in self.samplers:
            sample(now_s)
        with self._guard:
            over, self.tallies = self.tallies, {}
        for (account, region, namespace, metric, dimensions, unit), tally in over.items():
            with request_scope(account, region):
                named, began_s = dict(dimensions), now_s - self.length_s
                cloudwatch._store_datum(namespace, metric, named, began_s, unit, None, None, None, tally.statistics())
        for listen in self.listeners:
            listen(now_s)

    def tick(self) -> None:
        """Let minutes end by themselves from now on, at whole multiples of their length."""
        if not self._ticking:
            self._ticking = True
            threading.Thread(target=self._run, name="metric-minutes", daemon=True).start()

    def _run(self) -> None:
        while True:
            end_s = (time.time() // self.length_s + 1) * self.length_s
            time.sleep(max(0.0, end_s - time.time()))
            loop: Any = app._MAIN_LOOP
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self.end, end_s)


MINUTES: Final = Minutes(float(os.environ.get(MINUTE_VARIABLE, AWS_MINUTE_S)))
