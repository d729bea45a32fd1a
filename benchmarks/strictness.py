"""What strictness costs: the embedded cloud with all refusals and without any, in turn, on one machine.

* Processor time of the emulator's own process per request, over requests as the functions make them, in a role: a
  message sent, received and deleted; an item put, changed on a condition, and read.
* Processor time of it per call through the whole pipeline, with nothing that paces: and how many calls a second that
  gives (the ceiling).
* How much of a contract of 20/s the permits use, and violations, as the vendor saw them.

Each figure is the median of the pairs; the last column is strict / lenient.
"""

import json
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import psutil
import typer
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.contract.measuring import NO_CONTRACT, WARM_UP_CALLS
from headway.cloud import process
from headway.cloud.strictness import ALL, LENIENT_VARIABLE
from headway.deployment.target import LocalTarget, Target
from headway.testing.laboratory import Laboratory
from headway.testing.paced import Contract, Setting, paced_laboratory, run_backlog

RATE_PER_S: Final = 20
JOB_TIME_S: Final = 16.0
REQUESTS_PER_ROUND: Final = 6
ALLOWED: Final = {
    "arn:aws:sqs:*:*:cost": ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
    "arn:aws:dynamodb:*:*:table/cost": ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem"),
}
"""What a round needs, by resource."""
ROUNDS_COUNT: Final = 400
LOST_AT_MOST: Final = 0.1
"""What all refusals together may take of the throughput: a tenth."""
MODES: Final = {"strict": "", "lenient": ALL}
PER_REQUEST: Final = "processor time per request, ms"
PER_CALL: Final = "processor time per call, ms"
CEILING: Final = "calls/s with no contract"
UTILISATION: Final = f"part used of {RATE_PER_S}/s"
VIOLATIONS: Final = "violations"
THROUGHPUT: Final = (CEILING, UTILISATION)


@dataclass(frozen=True, slots=True)
class Cost:
    """The two sides of one figure."""

    strict: float
    lenient: float

    @property
    def ratio(self) -> float:
        """Strict by lenient; 1 where both are nothing."""
        return self.strict / self.lenient if self.lenient else float(self.strict == self.lenient)


def main(
    *,
    pairs: Annotated[int, typer.Option(help="Times that each side is measured.", min=1)] = 3,
    calls: Annotated[int, typer.Option(help="Calls of one run through the pipeline.", min=WARM_UP_CALLS)] = 300,
) -> None:
    """Print what the refusals cost, and end with 1 where more than a tenth of the throughput is lost.

    Close other programs, or it measures those. Three pairs take about twelve
    minutes on two cores.

    For example:

        python -m benchmarks.strictness --pairs 1 --calls 100
    """
    seen: dict[str, dict[str, list[float]]] = {mode: defaultdict(list) for mode in MODES}
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pairs", total=pairs * len(MODES))
        for _ in range(pairs):
            for mode, words in MODES.items():
                with _leaving_out(words):
                    for figure, value in _measure(calls):
                        seen[mode][figure].append(value)
                bar.advance(task)
    costs = {
        figure: Cost(statistics.median(values), statistics.median(seen["lenient"][figure]))
        for figure, values in seen["strict"].items()
    }
    Console(highlight=False).print(_table(costs, pairs))
    lost = {figure: 1 - costs[figure].ratio for figure in THROUGHPUT}
    raise typer.Exit(0 if max(lost.values()) <= LOST_AT_MOST and not costs[VIOLATIONS].strict else 1)


@contextmanager
def _leaving_out(words: str) -> Iterator[None]:
    """Set the switch for clouds that are started meanwhile."""
    before = os.environ.get(LENIENT_VARIABLE)
    os.environ[LENIENT_VARIABLE] = words
    try:
        yield
    finally:
        if before is None:
            del os.environ[LENIENT_VARIABLE]
        else:
            os.environ[LENIENT_VARIABLE] = before


def _measure(calls_count: int) -> Iterator[tuple[str, float]]:
    """Yield the figures of one side."""
    with TemporaryDirectory() as folder:
        yield PER_REQUEST, _ms_per_request(Path(folder))
    unpaced = Contract(NO_CONTRACT, job_time_s=JOB_TIME_S), Setting("no contract", "delay", NO_CONTRACT)
    with TemporaryDirectory() as folder, paced_laboratory(Path(folder), *unpaced) as lab:
        pid = _emulator(lab)
        run_backlog(lab, WARM_UP_CALLS, "warm-up")
        before_s = _processor_s(pid)
        seen = run_backlog(lab, calls_count, "unpaced")
        yield PER_CALL, (_processor_s(pid) - before_s) / calls_count * 1_000
        yield CEILING, seen.utilisation * NO_CONTRACT
    paced = Contract(RATE_PER_S, job_time_s=JOB_TIME_S), Setting("permits", "permits", RATE_PER_S, DEFAULT_HEADROOM_MS)
    with TemporaryDirectory() as folder, paced_laboratory(Path(folder), *paced) as lab:
        run_backlog(lab, WARM_UP_CALLS, "warm-up")
        seen = run_backlog(lab, calls_count, "paced")
        yield UTILISATION, seen.utilisation
        yield VIOLATIONS, seen.violations_count


def _ms_per_request(state_dir: Path) -> float:
    """Return the emulator's processor time per request, over requests of the kinds that functions make."""
    try:
        cloud = process.start(state_dir)
        target = LocalTarget(cloud.endpoint_url)
        queue_url = target.client("sqs").create_queue(QueueName="cost")["QueueUrl"]
        target.client("dynamodb").create_table(
            TableName="cost",
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        in_role = _in_role(target)
        _round(in_role, queue_url, 0)
        before_s = _processor_s(cloud.pid)
        for number in range(1, ROUNDS_COUNT + 1):
            _round(in_role, queue_url, number)
        return (_processor_s(cloud.pid) - before_s) / (ROUNDS_COUNT * REQUESTS_PER_ROUND) * 1_000
    finally:
        process.stop(state_dir)


def _in_role(target: LocalTarget) -> Target:
    """Return the same cloud, asked by a role that may do what `_round` does, and nothing else."""
    iam, policy = target.client("iam"), {"Version": "2012-10-17"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    allowed = [{"Effect": "Allow", "Action": list(actions), "Resource": name} for name, actions in ALLOWED.items()]
    role = iam.create_role(RoleName="cost", AssumeRolePolicyDocument=json.dumps({**policy, "Statement": [trust]}))
    document = json.dumps({**policy, "Statement": allowed})
    iam.put_role_policy(RoleName="cost", PolicyName="cost", PolicyDocument=document)
    return target.in_role(role["Role"]["Arn"])


def _round(target: Target, queue_url: str, number: int) -> None:
    """Make REQUESTS_PER_ROUND requests."""
    sqs, dynamodb = target.client("sqs"), target.client("dynamodb")
    key = {"name": {"S": str(number)}}
    sqs.send_message(QueueUrl=queue_url, MessageBody="x" * 500)
    for message in sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)["Messages"]:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    dynamodb.put_item(
        TableName="cost",
        Item=key,
        ConditionExpression="attribute_not_exists(#n)",
        ExpressionAttributeNames={"#n": "name"},
    )
    dynamodb.update_item(
        TableName="cost",
        Key=key,
        UpdateExpression="SET #s = :new",
        ConditionExpression="attribute_exists(#n)",
        ExpressionAttributeNames={"#n": "name", "#s": "status"},
        ExpressionAttributeValues={":new": {"S": "sent"}},
    )
    dynamodb.get_item(TableName="cost", Key=key, ConsistentRead=True)


def _emulator(lab: Laboratory) -> int:
    """Return the pid of the emulator's own process: its workers' time is not counted."""
    assert lab.connection.cloud is not None, "a laboratory is never on AWS"  # noqa: S101
    return lab.connection.cloud.pid


def _processor_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _table(costs: Mapping[str, Cost], pairs_count: int) -> Table:
    table = Table("", "strict", "lenient", "strict / lenient", title=f"Median of {pairs_count}")
    for figure, cost in costs.items():
        table.add_row(figure, f"{cost.strict:.3f}", f"{cost.lenient:.3f}", f"{cost.ratio:.2f}")
    return table


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
