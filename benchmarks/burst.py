"""A burst of callbacks: 1,000 posted as fast as one process can, each to be stored or refused with 429, and matched.

The calls are made before, to a vendor that calls nobody back; the burst is signed and posted from here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import httpx
import typer

from benchmarks.figures import conclude
from headway.simulator.signed_callback import SignedCallback
from headway.testing.laboratory import Laboratory
from headway.testing.presets import Terms, preset_laboratory, signed_answers
from headway.testing.waiting import await_count

PRESET: Final = "generic"
TERMS: Final = Terms(rate_per_s=30, poll_after_s=600, job_time_s=0.0, fail_ratio=0.0)
CONNECTIONS: Final = 50
PATIENCE_S: Final = 0.5
"""Before a callback that was refused with 429 is posted again."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What the webhook answered, how fast, and what became of the workflows."""

    callbacks_count: int
    answers: Mapping[int, int]
    seconds: float
    median_ms: float
    p99_ms: float
    ends: Mapping[str, int]
    matched_s: float

    @property
    def is_good(self) -> bool:
        """Whether nothing was answered otherwise than stored or 429, and every workflow went on."""
        return set(self.answers) <= {202, 429} and self.ends == {"SUCCEEDED": self.callbacks_count}


def run(lab: Laboratory, calls_count: int) -> Burst:
    """Make the calls, post their callbacks, and wait for the workflows."""
    lab.vendor.switch(lost_callbacks=True)
    arns = lab.start_all({f"burst-{number}": {"payload": {"n": number}} for number in range(calls_count)})
    await_count(lambda: lab.vendor.report().jobs_by_status.get("succeeded", 0), calls_count, "jobs that have ended")
    started_s = time.monotonic()
    answers, times_ms = asyncio.run(_post(signed_answers(lab, PRESET), lab.stage.callback_url(PRESET)))
    posted_s = time.monotonic()
    ends = lab.ends_of(arns)
    percentiles = quantiles(times_ms, n=100)
    return Burst(
        callbacks_count=calls_count,
        answers=answers,
        seconds=posted_s - started_s,
        median_ms=percentiles[49],
        p99_ms=percentiles[98],
        ends=ends,
        matched_s=time.monotonic() - started_s,
    )


async def _post(callbacks: Sequence[SignedCallback], url: str) -> tuple[Mapping[int, int], list[float]]:
    """Post all at once over a bounded number of connections; what is refused with 429 is posted again."""
    answers: Counter[int] = Counter()
    times_ms: list[float] = []
    limits = httpx.Limits(max_connections=CONNECTIONS)

    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=httpx.Timeout(30, pool=None)) as client:
        gate = asyncio.Semaphore(CONNECTIONS)  # so that waiting for a connection is not counted as the answer's time

        async def deliver(callback: SignedCallback) -> None:
            status = 429
            while status == 429:
                async with gate:
                    began_s = time.perf_counter()
                    answer = await client.post(url, content=callback.content, headers=callback.headers)
                    times_ms.append((time.perf_counter() - began_s) * 1_000)
                status = answer.status_code
                answers[status] += 1
                if status == 429:
                    await asyncio.sleep(PATIENCE_S)

        await asyncio.gather(*(deliver(callback) for callback in callbacks))
    return dict(answers), times_ms


def main(
    calls: Annotated[int, typer.Option(help="Callbacks.", min=100)] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Print what the webhook answered and how fast; exit code 1 where a callback was lost or answered otherwise."""
    with TemporaryDirectory() as folder, preset_laboratory(Path(folder), [PRESET], TERMS) as lab:
        seen = run(lab, calls)
    conclude(
        f"{calls} callbacks at once", asdict(seen), ("is_good", "all stored and matched", seen.is_good), as_json=as_json
    )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
