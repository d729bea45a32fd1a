"""Executions of equal names, at once: of two machines at each of two vendors, and Maps whose items fail and are
repeated, one of them in a Map. Each task gets the answer to what it asked, and no two calls share a key of the ledger.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml
from headway_cdk.names import pascal
from headway_cdk.project import Project, find
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute

from headway.deployment import scaffold
from headway.simulator.offer import Offer
from headway.simulator.rate import Rate
from headway.simulator.vendor_report import VendorReport
from headway.testing.executions import STARTERS
from headway.testing.lab_vendor import in_thread
from headway.testing.laboratory import VENDOR, Item, Laboratory, deployed
from headway.testing.waiting import until

VENDORS: Final = (VENDOR, "acme")
SINGLE: Final = ("front", "back")
"""Machines of one call, which differ in nothing but their name."""
NAMES: Final = tuple(f"order-{number}" for number in range(20))
ROWS_COUNT: Final = 4
COLUMNS_COUNT: Final = 5
RATE_PER_S: Final = 3
"""So slow that the functions of both lanes together are no more than the embedded cloud runs at once: what it throttles
comes again minutes later.
"""
OFFER: Final = Offer(submit=Rate(RATE_PER_S, 1), job_time_s=0.5, fail_ratio=0.3, seed=3)
TUNING: Final = {"delay_ms": 0, "rate_per_s": RATE_PER_S, "headroom_ms": 100}
JOB_FAILED: Final = "Vendor.JobFailed"
RETRY: Final = {
    "ErrorEquals": [JOB_FAILED],
    "IntervalSeconds": 1,
    "BackoffRate": 1,
    "MaxAttempts": 12,  # so many failures in a row are one in two million
    "MaxDelaySeconds": 2,
    "JitterStrategy": "FULL",
}
CALL_OF: Final = "'execution': $states.context.Execution.Id, 'state': $states.context.State.Name"
ITEM: Final = ", 'item': $states.context.Map.Item.Index"


def asking(vendor: str, item: str = "") -> dict[str, Any]:
    """Return the states of one call and of its result. What it asks the vendor for is the state's input; in a Map
    `item` tells its items apart.
    """
    placeholder = f"${{{pascal(vendor)}"
    waiting = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
    token = {"format_version": 2, "task_token": "{% $states.context.Task.Token %}"}
    call = f"{{% {{{CALL_OF}{item}, 'machine': $states.context.StateMachine.Id}} %}}"
    fetched = {name: f"{{% $states.input.{name} %}}" for name in ("call_id", "job_id", "status")}
    return {
        "StartAt": "CallVendor",
        "States": {
            "CallVendor": {
                **waiting,
                "Arguments": {
                    "QueueUrl": f"{placeholder}RequestQueueUrl}}",
                    "MessageGroupId": "{% $states.context.StateMachine.Name %}",
                    "MessageBody": {
                        **token,
                        "vendor": vendor,
                        "call": call,
                        "payload": {"version": "v", "input": {"tag": "{% $states.input %}"}},
                    },
                },
                "TimeoutSeconds": f"{placeholder}CallTimeoutSeconds}}",
                "HeartbeatSeconds": f"{placeholder}CallHeartbeatSeconds}}",
                "Retry": [RETRY],
                "Next": "FetchResult",
            },
            "FetchResult": {
                **waiting,
                "Arguments": {
                    "QueueUrl": f"{placeholder}ResultsQueueUrl}}",
                    "MessageBody": {**token, "kind": "fetch", **fetched},
                },
                "TimeoutSeconds": f"{placeholder}FetchTimeoutSeconds}}",
                "HeartbeatSeconds": f"{placeholder}FetchHeartbeatSeconds}}",
                "End": True,
            },
        },
    }


def over(states: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a Map of that name over the items of its input, each of which goes through these states."""
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, **states}
    return {
        "StartAt": name,
        "States": {name: {"Type": "Map", "Items": "{% $states.input %}", "ItemProcessor": processor, "End": True}},
    }


def machines(vendor: str) -> Mapping[str, Any]:
    """Return the definitions of a vendor's machines by name, the single ones first."""
    wide = over(asking(vendor, ITEM), "EachOrder")
    shapes = {**dict.fromkeys(SINGLE, asking(vendor)), "wide": wide, "nested": over(wide, "EachRow")}
    return {f"{shape}-{vendor}": {"QueryLanguage": "JSONata", **states} for shape, states in shapes.items()}


class Begun(NamedTuple):
    """An execution that is to be: its vendor, machine and name."""

    vendor: str
    machine: str
    name: str

    @property
    def shape(self) -> str:
        """Its machine, whichever the vendor."""
        return self.machine.partition("-")[0]

    @property
    def tag(self) -> str:
        """What nobody else asks for."""
        return f"{self.machine}/{self.name}"

    @property
    def tags(self) -> Any:
        """Its input: one tag, a row of them, or rows."""
        if self.shape == "wide":
            return [f"{self.tag}/{number}" for number in range(len(NAMES))]
        if self.shape == "nested":
            return [[f"{self.tag}/{row}/{column}" for column in range(COLUMNS_COUNT)] for row in range(ROWS_COUNT)]
        return self.tag


BEGUN: Final = tuple(
    Begun(vendor, machine, name)
    for vendor in VENDORS
    for machine in machines(vendor)
    for name in (NAMES if machine.startswith(SINGLE) else NAMES[:1])
)


@dataclass(frozen=True)
class End:
    """How an execution ended, its results in the order of its tags, and how many of its tasks had failed before."""

    status: str
    results: list[Mapping[str, Any]]
    tags: list[str]
    failed_count: int


@dataclass(frozen=True)
class Lane:
    """What one vendor saw, with the tag of each job in the order of acceptance, and what the ledger says of it."""

    report: VendorReport
    tags: list[str]
    calls: list[Item]
    jobs: list[Item]


@dataclass(frozen=True)
class Seen:
    """All executions, and both lanes."""

    ends: Mapping[Begun, End]
    lanes: Mapping[str, Lane]
    denials_count: int

    def results(self, vendor: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return each tag of a vendor with the result that its task got."""
        ends = [end for begun, end in self.ends.items() if begun.vendor == vendor]
        return [pair for end in ends for pair in zip(end.tags, end.results, strict=True)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write a project with a second vendor, and with the machines of both."""
    parent = tmp_path_factory.mktemp("equal-names")
    scaffold.write("bakery", parent)
    root = parent / "bakery"
    configuration = root / "config" / "appconfig"
    contract = yaml.safe_load((configuration / "vendors" / f"{VENDOR}.yaml").read_text())
    contract["dispatch"]["pacing"] = "permits"
    contract["limits"][0]["amount"] = RATE_PER_S
    for vendor in VENDORS:
        (configuration / "vendors" / f"{vendor}.yaml").write_text(yaml.safe_dump({**contract, "vendor": vendor}))
        (configuration / "tuning" / f"{vendor}.yaml").write_text(yaml.safe_dump(TUNING))
        for name, definition in machines(vendor).items():
            (root / "workflows" / f"{name}.asl.json").write_text(json.dumps(definition))
    return find(root)


@pytest.fixture(scope="module")
def seen(project: Project) -> Iterator[Seen]:
    state: Path = project.state_dir
    with ExitStack() as opened:
        vendors = [
            opened.enter_context(in_thread(state, name, replace(OFFER, seed=OFFER.seed + number)))
            for number, name in enumerate(VENDORS)
        ]
        lab = opened.enter_context(deployed(state, vendors, project=project, assembly=state / "assembly"))
        with ThreadPoolExecutor(STARTERS) as pool:
            arns = list(pool.map(lambda begun: start(lab, begun), BEGUN))
            lab.ends_of(arns)
            ends = dict(zip(BEGUN, pool.map(lambda begun, arn: end_of(lab, begun, arn), BEGUN, arns), strict=True))
        yield Seen(ends, {vendor: lane_of(lab, vendor) for vendor in VENDORS}, len(lab.denials()))


def start(lab: Laboratory, begun: Begun) -> str:
    """Start an execution; returns its ARN."""
    arn = lab.stage.workflows[begun.machine].arn
    client = lab.target.client("stepfunctions")
    given = json.dumps(begun.tags)
    return str(client.start_execution(stateMachineArn=arn, name=begun.name, input=given)["executionArn"])


def end_of(lab: Laboratory, begun: Begun, arn: str) -> End:
    """Return how an execution ended."""
    found = lab.execution(arn)
    pages = lab.target.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    failed = [event for page in pages for event in page["events"] if event["type"] == "TaskFailed"]
    assert {event["taskFailedEventDetails"]["error"] for event in failed} <= {JOB_FAILED}, begun
    results = flat(json.loads(found.get("output", "[]")))
    return End(found["status"], results, flat(begun.tags), len(failed))


def lane_of(lab: Laboratory, vendor: str) -> Lane:
    """Return what vendor and ledger have of the calls, when the ledger has written all of their ends."""
    lane = lab.lane_of(vendor)
    until(lambda: {call[CallAttribute.STATE] for call in lab.records(lane.calls_table)} == {CallState.RESUMED})
    report, tags = lab.vendors[vendor].tagged_report("tag")
    return Lane(report, tags, lab.records(lane.calls_table), lab.records(lane.jobs_table))


def flat(value: Any) -> list[Any]:
    """Return what is in lists of lists, in order."""
    return [each for part in value for each in flat(part)] if isinstance(value, list) else [value]


def test_each_task_gets_the_answer_to_what_it_asked(seen: Seen) -> None:
    assert Counter(end.status for end in seen.ends.values()) == {"SUCCEEDED": len(BEGUN)}
    for vendor in VENDORS:
        given = [(tag, result["vendor"], result["result"]["output"]["echo"]) for tag, result in seen.results(vendor)]
        assert given == [(tag, vendor, {"tag": tag}) for tag, _ in seen.results(vendor)]
    assert seen.denials_count == 0


def test_no_two_calls_share_a_key_of_the_ledger(seen: Seen) -> None:
    for vendor, lane in seen.lanes.items():
        keys = [result["call_id"] for _, result in seen.results(vendor)]
        assert len(keys) == len(set(keys)) == (len(SINGLE) + 1) * len(NAMES) + ROWS_COUNT * COLUMNS_COUNT
        assert {call[CallAttribute.CALL_ID] for call in lane.calls} == set(keys), "and there are no others"


def test_each_call_has_one_job_that_succeeded_and_one_for_each_failure_that_was_repeated(seen: Seen) -> None:
    for vendor, lane in seen.lanes.items():
        ends: dict[str, list[bool]] = {}
        for job in lane.jobs:
            answer = json.loads(job[JobAttribute.ANSWER])
            [call_id] = list(job[JobAttribute.CALL_IDS])  # a set of texts
            ends.setdefault(call_id, []).append(answer["succeeded"])
        asked = {result["call_id"]: tag for tag, result in seen.results(vendor)}
        assert {asked[call_id]: len(jobs) for call_id, jobs in ends.items()} == Counter(lane.tags), "as the vendor says"
        assert {call_id: sum(jobs) for call_id, jobs in ends.items()} == dict.fromkeys(asked, 1)
        for begun, end in seen.ends.items():
            if begun.vendor == vendor:
                jobs_count = sum(len(ends[result["call_id"]]) for result in end.results)
                assert jobs_count == len(end.tags) + end.failed_count, begun


def test_calls_were_really_repeated_in_maps_and_outside(seen: Seen) -> None:
    repeated = {begun.shape for begun, end in seen.ends.items() if end.failed_count}
    assert repeated == {begun.shape for begun in BEGUN}


def test_the_contract_of_each_vendor_held(seen: Seen) -> None:
    for lane in seen.lanes.values():
        submit = lane.report.scopes["submit"]
        assert (submit.violation_count, submit.refused_count, submit.call_count) == (0, 0, len(lane.tags))
        assert lane.report.repeated_idempotency_key_count == 0
