"""The `demo` command: a vendor, the embedded cloud, one hundred calls, a report, and everything taken down again."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from headway_cdk.resources import resource

STATE_DIR = Path(".headway/demo")
SAMPLE = resource("workflows/samples/predictions.jsonl")


def demo(
    state_dir: Annotated[Path, typer.Option(help="Where the demo keeps its state and its report.")] = STATE_DIR,
    job_time: Annotated[float, typer.Option(help="Seconds that the simulated vendor works on a job.", min=0)] = 2.0,
) -> None:
    """Make one hundred calls at 10/s on an embedded cloud of its own, and take everything down.

    A simulated vendor sells 10 submits a second, the stacks are deployed, the
    sample is run, and the report is written. Exit code 0 means that all calls
    succeeded and that the vendor saw none beyond the contract.

    For example:

        headway demo

        headway demo --job-time 10
    """
    from rich.console import Console

    from headway.commands.vendor import report_table
    from headway.deployment import connection, local
    from headway.errors import mendable
    from headway.run import batch, closing
    from headway.run.job import Choices
    from headway.run.progress import showing
    from headway.simulator.keys import load_or_create
    from headway.simulator.offer import Limit, Offer
    from headway.simulator.server import VendorServer

    status, out = Console(stderr=True), Console()
    with mendable():
        shutil.rmtree(state_dir / "run", ignore_errors=True)
        (state_dir / "run").mkdir(parents=True)
        source = Path(shutil.copy(SAMPLE, state_dir / "run"))
        offer = Offer(
            keys=load_or_create(state_dir, "replicate"), submit=Limit(10, 1), poll=Limit(50, 1), job_time_s=job_time
        )
        try:
            with VendorServer(offer) as vendor:
                with status.status("starting") as spinner:
                    local.up(state_dir, {"replicate": vendor.url}, progress=spinner.update)
                cloud = connection.connect("local", profile=None, region=None, state_dir=state_dir)
                choices = Choices(vendor=None, again=False, limit=None, write_report=True, report=None)
                with showing(status) as show:
                    result = batch.run_file(
                        "call_vendor",
                        source,
                        cloud,
                        choices,
                        progress=show,
                        vendor_report=lambda: vendor.report().as_json(),
                    )
                seen = vendor.report()
        finally:
            local.down(state_dir)
    out.print(closing.table(result))
    out.print(report_table(seen))
    closing.say_files(result, out)
    violations = sum(scope.violation_count for scope in seen.scopes.values()) + seen.jobs_in_flight.violation_count
    raise typer.Exit(1 if violations else result.exit_code)
