"""One hundred calls at the pace of a contract, by the example project on a cloud that is there for nothing else."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headway_cdk.project import find
from headway_cdk.resources import SCAFFOLD

from headway.run import batch
from headway.run.progress import Show
from headway.run.run_result import RunResult
from headway.simulator.offer import Offer
from headway.simulator.vendor_report import VendorReport
from headway.testing.laboratory import laboratory

WORKFLOW: Final = "order"
SAMPLE: Final = SCAFFOLD / "workflows" / "samples" / "orders.jsonl"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What came of the calls, and what the vendor saw of them."""

    result: RunResult
    seen: VendorReport

    @property
    def exit_code(self) -> int:
        """Return 1 where a call was beyond the contract or has not succeeded, the run's own code after Ctrl-C."""
        violations = sum(scope.violation_count for scope in self.seen.scopes.values())
        return 1 if violations + self.seen.jobs_in_flight.violation_count else self.result.exit_code


def demonstrate(
    state_dir: Path,
    job_time_s: float,
    *,
    starting: AbstractContextManager[Callable[[str], None]],
    running: AbstractContextManager[Show],
) -> Demonstration:
    """Deploy, run the sample, and take everything down; results and report stay in `run` of the state folder.

    `starting` shows phrases while the cloud comes up, `running` shows how the run stands; one after the other.
    """
    project, folder = find(SCAFFOLD), state_dir / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = Path(shutil.copy(SAMPLE, folder))
    with ExitStack() as opened:
        with starting as say:
            lab = opened.enter_context(
                laboratory(state_dir, offer=Offer(job_time_s=job_time_s), project=project, progress=say)
            )
        with running as show:
            result = batch.run_file(
                WORKFLOW,
                source,
                lab.connection,
                progress=show,
                vendor_report=lambda: lab.vendor.report().as_json(),
                configuration=project.configuration,
            )
        return Demonstration(result, lab.vendor.report())
