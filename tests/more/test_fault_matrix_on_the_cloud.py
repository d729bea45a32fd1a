"""A few cells of the fault matrix on the embedded cloud: each strikes, and nothing is broken. `make proof-matrix-cloud`
runs two hundred, and those that take a minute.
"""

from pathlib import Path

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.cells import cells
from tests.matrix.faults import KILLS
from tests.matrix.on_the_cloud.course import run
from tests.matrix.on_the_cloud.judgement import verdicts
from tests.matrix.on_the_cloud.lanes import lanes
from tests.matrix.on_the_cloud.report import report
from tests.matrix.on_the_cloud.sample import drawn

STORY = "limited"
SAMPLES = 10
SEED = 3


def test_calls_that_fail_side_by_side_end_as_their_policy_says(tmp_path: Path) -> None:
    policy = Ambiguity.REJECT
    pool = [
        cell
        for cell in cells(policy, STORY)
        if cell.fault.kind not in KILLS or cell.fault.call.function in ("callback", "results")
    ]
    with lanes(tmp_path, {(policy, STORY)}) as made:
        lab = next(iter(made.values())).lab
        ends = run(lab, made, drawn(pool, SAMPLES, SEED), SAMPLES, print)
        found = verdicts(lab, made, ends)
    told = "\n".join(report(ends, found, 0))
    assert not any(found.values()), told
    assert sum(end.was_struck for end in ends) == SAMPLES, told
