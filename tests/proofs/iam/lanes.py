"""The lanes of the proof: a line is a lane. Between them they have what a contract can have."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from headway.testing.presets import PRESETS, Terms
from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario
from tests.proofs.iam.scenarios import calls, ends, machinery, messages

TERMS: Final = Terms(
    rate_per_s=8,
    poll_after_s=2,
    job_time_s=0.8,
    fail_ratio=1.0,
    in_flight_count=1_000,
    dispatch={"pacing": "permits", "urgent_concurrency": 2, "maximum_concurrency": 2},
)
"""Jobs fail where a scenario says that they may."""
QUIET: Final = replace(TERMS, dispatch={"urgent_concurrency": 0})
DIRECT: Final = replace(QUIET, direct=["generic"])
PLAIN: Final = replace(TERMS, dispatch={"pacing": "delay", "trigger": "schedule", "urgent_concurrency": 0})

LANES: Final[Mapping[Path, Terms]] = {
    PRESETS / "assemblyai.yaml": TERMS,
    PRESETS / "deepgram.yaml": QUIET,
    PRESETS / "generic.yaml": DIRECT,
    PRESETS / "oracle-ohip.yaml": QUIET,
    Path(__file__).with_name("asking.yaml"): PLAIN,
}


def scenarios_of(lane: Lane) -> Iterator[Scenario]:
    """Yield all that can happen on a lane."""
    for kind in (calls, messages, ends, machinery):
        yield from kind.scenarios(lane)
