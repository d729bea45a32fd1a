"""The `demo` command: a vendor, the embedded cloud, one hundred calls, a report, and everything taken down again."""

from pathlib import Path
from typing import Annotated

import typer

from headway.deployment.places import DEMO_STATE_DIR
from headway.terminal import console, spinning


def demo(
    state_dir: Annotated[Path, typer.Option(help="Where the demo keeps its state and its report.")] = DEMO_STATE_DIR,
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
    from headway.commands.vendor_table import report_table
    from headway.run import closing
    from headway.run.progress import showing
    from headway.testing.demonstration import demonstrate

    status, out = console(stderr=True), console()
    shown = demonstrate(state_dir, job_time, starting=spinning(status, "starting"), running=showing(status))
    out.print(closing.table(shown.result))
    out.print(report_table(shown.seen))
    closing.say_files(shown.result, out)
    raise typer.Exit(shown.exit_code)
