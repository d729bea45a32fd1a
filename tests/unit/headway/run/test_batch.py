"""Runs against a scripted cloud: two fake clients that follow a clock which only `sleep` moves."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError
from headway_cdk.project import bare
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.ledger.record import CallState
from headway_lane.messages.identity import CallSite, call_id_of
from typer.testing import CliRunner, Result

from benchmarks.virtual_cloud import EPOCH_S, Inline, instant
from headway.commands import run as run_command
from headway.deployment import connection, projects
from headway.deployment.connection import Connection
from headway.deployment.stage import DeployedWorkflow
from headway.errors import CloudLost, NotDeployed, RunRefused
from headway.run import batch
from headway.run.executions import PATIENT_ATTEMPTS
from headway.run.ledger_watch import BATCH_SIZE
from headway.run.preparation import Choices
from headway.run.results import LineOutcome
from headway.run.run_result import RunResult
from headway.run.run_watch import PATIENCE_S, THROTTLED_PAUSE_S, TICK_S
from headway.run.surroundings import Surroundings
from headway.run.tally import RunTally
from tests.unit.headway.connections import lane_of, stage_of

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:transcribe-replicate"
TOKEN = "a-task-token"


@dataclass(frozen=True)
class Script:
    """What becomes of an execution, in seconds since its start."""

    states: tuple[tuple[float, CallState], ...] = (
        (0.1, CallState.QUEUED),
        (0.4, CallState.SENDING),
        (0.6, CallState.ACCEPTED),
        (2.0, CallState.ANSWERED),
        (2.1, CallState.RESUMED),
    )
    ends_s: float = 3.0
    status: str = "SUCCEEDED"
    error: str | None = None
    cause: str | None = None


GOOD = Script()
REJECTED = Script(
    ((0.1, CallState.QUEUED), (0.3, CallState.REJECTED)), 0.5, "FAILED", "Vendor.Rejected", "422: prompt is missing"
)
SILENT = Script((), 1.0, "FAILED", "States.Runtime", "queue is gone")
SCRIPTS = {"good": GOOD, "rejected": REJECTED, "silent": SILENT, "endless": replace(GOOD, ends_s=1e9)}


@dataclass
class Execution:
    arn: str
    name: str
    payload: dict[str, Any]
    script: Script
    started_s: float
    call_id: str


def refusal(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


@dataclass
class FakeCloud:
    """Both clients and the target in one; `failures` is operation -> errors to raise, one per question."""

    now_s: float = 0.0
    executions: dict[str, Execution] = field(default_factory=dict)
    failures: dict[str, Iterator[Exception]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    warmed: list[tuple[str, Any]] = field(default_factory=list)
    region: str = "us-east-1"
    dispatching: str = "open"

    def client(self, name: str) -> Any:
        assert name in ("stepfunctions", "dynamodb", "s3", "sqs", "lambda", "ssm")
        return self

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        return {"Parameters": [{"Name": name, "Value": self.dispatching} for name in Names]}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> None:  # noqa: N803
        self.warmed.append((FunctionName, json.loads(Payload)))

    def table(self, name: str) -> Any:
        raise AssertionError(f"a run asks for no table: {name}")

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def describe_state_machine(self, *, stateMachineArn: str) -> None:  # noqa: N803
        self._ask("describe_state_machine")
        assert stateMachineArn == MACHINE

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        self._ask("start_execution")
        arn = f"{stateMachineArn.replace('stateMachine', 'execution')}:{name}"
        if arn in self.executions:
            raise refusal("ExecutionAlreadyExists")
        given = json.loads(input)
        payload = given["payload"]
        script = SCRIPTS[payload.get("script", "good")]
        group = given.get("tenant") or stateMachineArn.rpartition(":")[2]
        site = CallSite("call_vendor_machine_arn", **given["call"])  # as a machine does that hands it on
        call_id = call_id_of(site, group)
        self.executions[arn] = Execution(arn, name, payload, script, self.now_s, call_id)
        self.started.append(name)

    def list_executions(self, *, stateMachineArn: str, statusFilter: str, maxResults: int) -> dict[str, Any]:  # noqa: N803
        self._ask("list_executions")
        assert (stateMachineArn, statusFilter, maxResults) == (MACHINE, "RUNNING", 1_000)
        going_on = [e for e in self.executions.values() if self.now_s < e.started_s + e.script.ends_s]
        return {"executions": [{"name": execution.name} for execution in going_on]}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        self._ask("get_queue_attributes")
        assert QueueUrl == "request_queue_url"
        queued = sum(
            self.now_s < e.started_s + min((at for at, _ in e.script.states), default=0)
            for e in self.executions.values()
        )
        return {"Attributes": dict.fromkeys(AttributeNames, "0") | {AttributeNames[0]: str(queued)}}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self._ask("describe_execution")
        if executionArn not in self.executions:
            raise refusal("ExecutionDoesNotExist")
        execution = self.executions[executionArn]
        script, ends_s = execution.script, execution.started_s + execution.script.ends_s
        answer: dict[str, Any] = {
            "executionArn": executionArn,
            "status": "RUNNING",
            "startDate": instant(execution.started_s),
            "redriveCount": 0,
        }
        if self.now_s < ends_s:
            return answer
        told = {"error": script.error, "cause": script.cause}
        if script.status == "SUCCEEDED":
            told = {"output": json.dumps({"echo": execution.payload})}
        return answer | {"status": script.status, "stopDate": instant(ends_s)} | told

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self._ask("batch_get_item")
        ((table, wanted),) = RequestItems.items()
        call_ids = [key["call_id"]["S"] for key in wanted["Keys"]]
        assert table == "calls"
        assert 0 < len(call_ids) <= BATCH_SIZE
        assert len(set(call_ids)) == len(call_ids)
        names = wanted["ExpressionAttributeNames"]
        read = [names[place.strip()] for place in wanted["ProjectionExpression"].split(",")]
        assert "waiter" not in read
        items = [self._item(call_id) for call_id in call_ids]
        return {"Responses": {table: [{name: item[name] for name in read if name in item} for item in items if item]}}

    def _item(self, call_id: str) -> dict[str, Any]:
        execution = [e for e in self.executions.values() if call_id == e.call_id][-1]
        passed = [(at, state) for at, state in execution.script.states if execution.started_s + at <= self.now_s]
        if not passed:
            return {}
        times = {
            f"{state}_epoch_ms": {"N": str(round((EPOCH_S + execution.started_s + at) * 1_000))} for at, state in passed
        }
        return {"call_id": {"S": call_id}, "state": {"S": passed[-1][1].value}, "waiter": {"S": TOKEN}, **times}

    def _ask(self, operation: str) -> None:
        self.asked.append(operation)
        if error := next(self.failures.get(operation, iter(())), None):
            raise error


def surroundings(cloud: FakeCloud) -> Surroundings:
    return Surroundings(
        epoch_ms=lambda: round((EPOCH_S + cloud.now_s) * 1_000),
        clock_s=lambda: cloud.now_s,
        sleep=cloud.sleep,
        pool=lambda _: Inline(),
    )


def connected(cloud: FakeCloud) -> Connection:
    lanes = {"replicate": lane_of(calls_table="calls")}
    workflows = {"transcribe": DeployedWorkflow(MACHINE, ("replicate",))}
    return Connection("local", cloud, stage_of(lanes, workflows))


def write(path: Path, *payloads: Mapping[str, Any] | str) -> Path:
    lines = [line if isinstance(line, str) else json.dumps({"payload": line}) for line in payloads]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "in.jsonl"


def run(cloud: FakeCloud, source: Path, *, again: bool = False, **more: Any) -> RunResult:
    choices = Choices(again=again, write_report=False)
    return batch.run_file(
        "transcribe",
        source,
        connected(cloud),
        choices,
        surroundings=surroundings(cloud),
        configuration=EXAMPLE_CONFIGURATION,
        **more,
    )


def test_every_line_gets_an_execution_and_a_record(cloud: FakeCloud, source: Path) -> None:
    result = run(cloud, write(source, {"n": 1}, {"n": 2}))
    first, second = records(result.results)
    assert result.exit_code == 0
    assert first["execution"] == f"{MACHINE.replace('stateMachine', 'execution')}:hw-{first['key']}-1"
    assert first["output"] == {"echo": {"n": 1}}
    assert (second["line"], second["vendor"], second["outcome"], second["error"]) == (2, "replicate", "succeeded", None)
    hops = ("started", "sending", "resumed", "finished")
    assert [first[f"{hop}_epoch_ms"] - EPOCH_S * 1_000 for hop in hops] == [0, 400, 2_100, 3_000]
    assert TOKEN not in result.results.read_text()


def test_a_failed_line_has_error_and_cause_and_does_not_stop_the_others(cloud: FakeCloud, source: Path) -> None:
    result = run(cloud, write(source, {"script": "rejected"}, {}))
    assert result.exit_code == 1
    assert [(r.outcome, r.error, r.cause) for r in result.records] == [
        (LineOutcome.FAILED, "Vendor.Rejected", "422: prompt is missing"),
        (LineOutcome.SUCCEEDED, None, None),
    ]


def test_an_execution_that_failed_before_the_ledger_heard_of_it_is_found(cloud: FakeCloud, source: Path) -> None:
    result = run(cloud, write(source, {"script": "silent"}))
    assert [(r.error, set(r.times)) for r in result.records] == [
        ("States.Runtime", {"started_epoch_ms", "finished_epoch_ms"})
    ]
    assert cloud.now_s < 20


def test_bad_lines_are_recorded_and_the_others_go_on(cloud: FakeCloud, source: Path) -> None:
    result = run(cloud, write(source, "{", {}, '{"payload": 1}'))
    assert [record["outcome"] for record in records(result.results)] == ["invalid", "invalid", "succeeded"]
    assert result.exit_code == 1
    assert result.as_json()["totals"] == {
        "succeeded": 1,
        "failed": 0,
        "invalid": 2,
        "skipped": 0,
        "open": 0,
        "unstarted": 0,
    }


def test_a_second_run_skips_what_succeeded_and_repeats_what_failed(cloud: FakeCloud, source: Path) -> None:
    run(cloud, write(source, {"n": 1}, {"script": "rejected"}))
    result = run(cloud, write(source, {"script": "rejected"}, {"n": 3}, {"n": 1}))  # edited meanwhile
    assert result.skipped_count == 1
    assert [(r.line, r.attempt, r.outcome) for r in result.records] == [
        (1, 2, LineOutcome.FAILED),
        (2, 1, LineOutcome.SUCCEEDED),
    ]
    assert len(cloud.started) == 4


def test_a_run_in_which_everything_is_skipped_asks_the_cloud_nothing(cloud: FakeCloud, source: Path) -> None:
    run(cloud, write(source, {"n": 1}))
    cloud.asked.clear()
    assert (run(cloud, source).exit_code, cloud.asked) == (0, [])


def test_identical_lines_are_calls_of_their_own(cloud: FakeCloud, source: Path) -> None:
    assert len(run(cloud, write(source, {}, {}, {})).records) == 3
    assert len(set(cloud.started)) == 3


def test_again_repeats_what_succeeded(cloud: FakeCloud, source: Path) -> None:
    run(cloud, write(source, {}))
    assert [record.attempt for record in run(cloud, source, again=True).records] == [2]
    assert len(cloud.started) == 2


def test_again_without_the_results_file_passes_over_what_has_ended(cloud: FakeCloud, source: Path) -> None:
    run(cloud, write(source, {})).results.unlink()
    assert [record.attempt for record in run(cloud, source, again=True).records] == [2]


def interrupt_at(second: float, cloud: FakeCloud) -> Callable[[RunTally], None]:
    def progress(_: RunTally) -> None:
        if cloud.now_s >= second:
            raise KeyboardInterrupt

    return progress


def test_after_ctrl_c_a_second_run_takes_up_what_goes_on_and_calls_nothing_twice(
    cloud: FakeCloud, source: Path
) -> None:
    write(source, {"n": 1}, {"script": "rejected"}, {"n": 3})
    first = run(cloud, source, progress=interrupt_at(1.5, cloud))
    assert (first.exit_code, first.open_count, len(first.records)) == (130, 2, 1)
    second = run(cloud, source)
    assert [(r.line, r.attempt, r.outcome) for r in second.records] == [
        (1, 1, LineOutcome.SUCCEEDED),
        (2, 2, LineOutcome.FAILED),
        (3, 1, LineOutcome.SUCCEEDED),
    ]
    assert len(cloud.started) == 4


def test_what_ended_while_nobody_watched_is_recorded_from_its_execution(cloud: FakeCloud, source: Path) -> None:
    run(cloud, write(source, {}), progress=interrupt_at(0, cloud))
    cloud.now_s = 3_600
    (record,) = run(cloud, source).records
    assert (record.outcome, record.times["finished_epoch_ms"]) == (LineOutcome.SUCCEEDED, EPOCH_S * 1_000 + 3_000)
    assert (len(cloud.started), cloud.now_s) == (1, 3_600)


def test_an_execution_that_was_redriven_is_taken_up_instead_of_repeated(cloud: FakeCloud, source: Path) -> None:
    run(cloud, write(source, {"script": "rejected"}))
    (execution,) = cloud.executions.values()
    execution.script = GOOD
    (record,) = run(cloud, source).records
    assert (record.attempt, record.outcome, len(cloud.started)) == (1, LineOutcome.SUCCEEDED, 1)
    assert "resumed_epoch_ms" in record.times


def test_throttled_starts_are_repeated(cloud: FakeCloud, source: Path) -> None:
    cloud.failures["start_execution"] = iter([refusal("ThrottlingException")] * (PATIENT_ATTEMPTS - 1))
    assert run(cloud, write(source, {})).exit_code == 0


def test_a_start_that_is_refused_fails_its_line_and_keeps_its_number(cloud: FakeCloud, source: Path) -> None:
    cloud.failures["start_execution"] = iter([refusal("KmsAccessDeniedException")])
    first = run(cloud, write(source, {"n": 1}, {"n": 2}))
    assert [record.error for record in first.records] == ["Start.KmsAccessDeniedException", None]
    assert [(record.attempt, record.outcome) for record in run(cloud, source).records] == [(1, LineOutcome.SUCCEEDED)]


def test_an_execution_that_vanished_fails_its_line(cloud: FakeCloud, source: Path) -> None:
    def forget(_: RunTally) -> None:
        if cloud.now_s >= 2.5:
            cloud.failures["describe_execution"] = iter([refusal("ExecutionDoesNotExist")])

    (record,) = run(cloud, write(source, {}), progress=forget).records
    assert record.error == "Execution.Gone"


def test_a_cloud_that_stutters_is_waited_for(cloud: FakeCloud, source: Path) -> None:
    cloud.failures["batch_get_item"] = iter([EndpointConnectionError(endpoint_url="x")] * 20)
    cloud.failures["describe_execution"] = iter([refusal("ThrottlingException"), refusal("Whatever", 503)])
    assert run(cloud, write(source, {})).exit_code == 0


@pytest.mark.parametrize(
    ("errors", "after_s"),
    [(itertools.repeat(EndpointConnectionError(endpoint_url="x")), 30), (iter([refusal("ExpiredToken")]), 0)],
)
def test_a_cloud_that_is_gone_ends_the_watching(
    cloud: FakeCloud, source: Path, errors: Iterator[Exception], after_s: float
) -> None:
    cloud.failures["batch_get_item"] = errors
    with pytest.raises(CloudLost, match="executions cannot be watched any more, run the same command again"):
        run(cloud, write(source, {}))
    assert after_s <= cloud.now_s <= after_s + 2 * TICK_S


def test_a_cloud_that_is_gone_while_lines_start_ends_the_run(cloud: FakeCloud, source: Path) -> None:
    cloud.failures["start_execution"] = itertools.repeat(EndpointConnectionError(endpoint_url="x"))
    with pytest.raises(CloudLost, match="executions cannot be started any more"):
        run(cloud, write(source, {}))
    assert PATIENCE_S <= cloud.now_s <= PATIENCE_S + 2 * TICK_S


def test_starts_that_stutter_are_repeated_and_lose_no_line(cloud: FakeCloud, source: Path) -> None:
    cloud.failures["start_execution"] = iter([EndpointConnectionError(endpoint_url="x"), refusal("Whatever", 503)])
    assert run(cloud, write(source, {"n": 1}, {"n": 2})).count(LineOutcome.SUCCEEDED) == 2


def test_a_throttle_that_lasts_delays_lines_and_fails_none(cloud: FakeCloud, source: Path) -> None:
    cloud.failures["start_execution"] = iter([refusal("ThrottlingException")] * 20 * PATIENT_ATTEMPTS)
    assert run(cloud, write(source, {})).exit_code == 0
    assert cloud.now_s > 20 * THROTTLED_PAUSE_S


@pytest.mark.parametrize("code", ["ExpiredTokenException", "AccessDeniedException", "StateMachineDoesNotExist"])
def test_a_refusal_that_all_lines_would_meet_ends_the_run_and_fails_none(
    cloud: FakeCloud, source: Path, code: str
) -> None:
    cloud.failures["start_execution"] = itertools.repeat(refusal(code))
    with pytest.raises(CloudLost, match=f"executions cannot be started any more, .*{code}"):
        run(cloud, write(source, {"n": 1}, {"n": 2}))
    assert records(source.with_name("in.results.jsonl")) == []


def test_the_ledger_says_whom_step_functions_is_asked_about(cloud: FakeCloud, source: Path) -> None:
    result = run(cloud, write(source, *({"n": n} for n in range(250))))
    assert result.count(LineOutcome.SUCCEEDED) == 250
    assert cloud.asked.count("describe_execution") < 2 * 250


def test_progress_follows_the_ledger(cloud: FakeCloud, source: Path) -> None:
    seen: list[RunTally] = []
    run(cloud, write(source, *({"n": n} for n in range(10))), progress=seen.append)
    counts = [tally.counts for tally in seen]
    assert max(c.queued_count for c in counts) == max(c.called_count for c in counts) == 10
    assert max(c.answered_count for c in counts) == counts[-1].succeeded_count == 10
    assert {tally.total_count for tally in seen} == {10}
    assert max(tally.paces[0].rate_per_s for tally in seen) == 10.0
    assert seen[0].paces[0].contract_per_s == 10


def test_a_workflow_that_is_not_deployed_is_refused(cloud: FakeCloud, source: Path) -> None:
    with pytest.raises(RunRefused, match="translate: no such workflow on local; deployed: call_vendor, transcribe"):
        batch.run_file("translate", write(source, {}), connected(cloud), configuration=EXAMPLE_CONFIGURATION)


def test_the_vendors_own_count_reaches_the_figures(cloud: FakeCloud, source: Path) -> None:
    counted = {"submit": {"calls": 1, "worst_window": 1, "violations": 0, "utilisation": 0.97}}
    result = run(cloud, write(source, {}), vendor_report=lambda: counted)
    assert result.as_json()["vendors"]["replicate"]["share_of_contract"] == 0.97


@pytest.fixture
def cli(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(connection, "connect", lambda *_, **__: connected(cloud))
    monkeypatch.setattr(batch, "run_file", partial(batch.run_file, surroundings=surroundings(cloud)))
    monkeypatch.setattr(projects, "project_here", lambda *_: bare(EXAMPLE_CONFIGURATION))
    app = typer.Typer()
    app.command()(run_command.run)
    return lambda *arguments: CliRunner().invoke(app, ["transcribe", "--input", *map(str, arguments)])


def test_the_command_prints_a_table_and_where_the_files_are(cli: Callable[..., Result], source: Path) -> None:
    result = cli(write(source, *({"n": n} for n in range(3))))
    assert result.exit_code == 0
    assert "succeeded" in result.stdout
    assert f"report   {source.with_name('in.report.html')}\n" in result.stdout
    assert f"results  {source.with_name('in.results.jsonl')}\n" in result.stdout
    assert "0/3 done | queued 3 " in result.stderr
    assert source.with_name("in.report.html").exists()


def test_a_run_that_calls_nothing_leaves_the_last_report(cli: Callable[..., Result], source: Path) -> None:
    cli(write(source, {}))
    report = source.with_name("in.report.html")
    report.write_text("the last one")
    assert cli(source).exit_code == 0
    assert report.read_text() == "the last one"


def test_json_is_one_document_on_stdout(cli: Callable[..., Result], source: Path) -> None:
    result = cli(write(source, {"script": "rejected"}, "{"), "--json", "--no-report")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"]) == (1, 1)
    assert (document["totals"]["failed"], document["totals"]["invalid"]) == (1, 1)
    assert document["errors"]["Vendor.Rejected"] == {"count": 1, "first_cause": "422: prompt is missing"}
    assert document["vendors"]["replicate"]["contract_per_s"] == 10
    assert document["vendors"]["replicate"]["report"] is None
    assert f"{source}:2: not JSON" in result.stderr


def test_quiet_says_nothing_but_errors(cli: Callable[..., Result], source: Path) -> None:
    result = cli(write(source, {}), "--quiet", "--no-report")
    assert (result.exit_code, result.output) == (0, "")


def test_failures_are_named_with_their_first_cause(cli: Callable[..., Result], source: Path) -> None:
    result = cli(write(source, {"script": "rejected"}, {"script": "rejected", "n": 2}), "--no-report")
    assert result.exit_code == 1
    assert "Vendor.Rejected" in result.stdout
    assert "2 x, first: 422" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.jsonl"], "absent.jsonl: No such file or directory; give a file of JSON lines with --input"),
        (["in.jsonl", "--vendor", "initech"], "--vendor initech: transcribe does not call it; it calls replicate"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_exit_code_2(
    cli: Callable[..., Result], source: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(write(source, {}).parent)
    result = cli(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"{said}\n")
    assert not source.with_name("in.results.jsonl").exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "the cloud cannot be reached: "),
        (refusal("AccessDeniedException"), "the cloud refuses: "),
        (refusal("StateMachineDoesNotExist"), "transcribe for replicate is not there any more: deploy again"),
    ],
)
def test_a_cloud_out_of_reach_is_exit_code_2_with_nothing_started(
    cloud: FakeCloud, cli: Callable[..., Result], source: Path, error: Exception, said: str
) -> None:
    cloud.failures["describe_state_machine"] = iter([error])
    result = cli(write(source, {}))
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert cloud.started == []


def test_nothing_deployed_is_exit_code_2(
    cli: Callable[..., Result], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object, **__: object) -> Connection:
        raise NotDeployed("run `headway up` first")

    monkeypatch.setattr(connection, "connect", connect)
    result = cli(write(source, {}))
    assert (result.exit_code, result.stderr) == (2, "run `headway up` first\n")


def test_no_embedded_cloud_is_not_deployed(tmp_path: Path) -> None:
    with pytest.raises(NotDeployed, match="run `headway up` first"):
        connection.connect("local", profile=None, region=None, state_dir=tmp_path)


def test_ctrl_c_is_130_and_says_how_to_go_on(cloud: FakeCloud, cli: Callable[..., Result], source: Path) -> None:
    def ctrl_c(seconds: float) -> None:
        cloud.now_s += seconds
        if cloud.now_s > 1:
            raise KeyboardInterrupt

    cloud.sleep = ctrl_c  # type: ignore[method-assign]
    batch.run_file.keywords["surroundings"] = surroundings(cloud)  # type: ignore[attr-defined]
    result = cli(write(source, {"script": "endless"}, {"script": "rejected"}))
    assert result.exit_code == 130
    assert "Interrupted; under way: 1, not started: 0. The same command takes them up" in result.stderr
    assert [record["outcome"] for record in records(source.with_name("in.results.jsonl"))] == ["failed"]
