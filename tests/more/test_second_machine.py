"""A second machine with a function of its own, as `docs/author.md` tells authors to write it: deployed and run with no
edit outside the project, beside a lane that it does not use.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.names import Function, role_name
from headway_cdk.project import Project, find

from headway.run import batch
from headway.simulator.offer import Offer
from headway.testing.lab_vendor import in_thread
from headway.testing.laboratory import VENDOR, Laboratory, deployed
from headway.testing.waiting import until
from tests.unit.docs.author import project_with_review

OTHER = "acme"
LINES = 20
SENDING = ("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write the project, and a second vendor that its machines do not name."""
    root = project_with_review(tmp_path_factory.mktemp("project"))
    vendors = root / "config" / "appconfig" / "vendors"
    contract = yaml.safe_load((vendors / f"{VENDOR}.yaml").read_text())
    (vendors / f"{OTHER}.yaml").write_text(yaml.safe_dump({**contract, "vendor": OTHER}))
    return find(root)


@pytest.fixture(scope="module")
def lab(project: Project) -> Iterator[Laboratory]:
    state = project.state_dir
    with ExitStack() as opened:
        vendors = [opened.enter_context(in_thread(state, name, Offer(job_time_s=0.3))) for name in (VENDOR, OTHER)]
        yield opened.enter_context(deployed(state, vendors, project=project, assembly=state / "assembly"))


def statements(lab: Laboratory, role: str) -> list[Mapping[str, Any]]:
    """Return what a role is allowed, as it is deployed."""
    iam = lab.target.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    read = [json.loads(document) if isinstance(document, str) else document for document in documents]
    return [statement for document in read for statement in document["Statement"]]


def settled_by(lab: Laboratory, vendor: str) -> set[str]:
    """Return the ARNs of machines whose tasks the functions of a lane may settle."""
    functions = [function for function in Function if getattr(lab.stage.lanes[vendor], f"{function}_function")]
    roles = [role_name(lab.stage.name, vendor, function) for function in functions]
    found: set[str] = set()
    for statement in (one for role in roles for one in statements(lab, role)):
        actions, resources = statement["Action"], statement["Resource"]
        if set(actions if isinstance(actions, list) else [actions]) & set(SENDING):
            found.update(resources if isinstance(resources, list) else [resources])
    return found


def test_its_calls_end_well_with_the_vendor_called_once_for_each(
    lab: Laboratory, project: Project, tmp_path: Path
) -> None:
    source = tmp_path / "reviews.jsonl"
    lines = (project.workflows / "samples" / "orders.jsonl").read_text().splitlines()[:LINES]
    source.write_text("\n".join(lines))
    result = batch.run_file("review", source, lab.connection, configuration=project.configuration)
    assert [record.outcome for record in result.records] == ["succeeded"] * LINES
    report = lab.vendors[VENDOR].report()
    assert report.scopes["submit"].admitted_count == LINES
    assert report.payload_submitted_twice_count == 0
    assert lab.vendors[OTHER].report().scopes["submit"].call_count == 0
    assert not lab.denials()


def test_the_lane_that_it_uses_may_settle_its_tasks_and_the_other_may_not(lab: Laboratory) -> None:
    review = lab.stage.workflows["review"].arn
    assert settled_by(lab, VENDOR) == {lab.stage.lanes[VENDOR].call_vendor_machine_arn, review}
    assert settled_by(lab, OTHER) == {lab.stage.lanes[OTHER].call_vendor_machine_arn}


def test_its_role_has_what_the_file_uses_and_nothing_else(lab: Laboratory) -> None:
    client = lab.target.client("stepfunctions")
    role = client.describe_state_machine(stateMachineArn=lab.stage.workflows["review"].arn)["roleArn"]
    allowed: dict[str, set[str]] = {}
    for statement in statements(lab, role.rpartition("/")[2]):
        actions, resources = statement["Action"], statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            if not action.startswith(("logs:", "xray:")):
                allowed.setdefault(action, set()).update(resources if isinstance(resources, list) else [resources])
    lane = lab.stage.lanes[VENDOR]
    ends = {action: {arn.rpartition(":")[2] for arn in arns} for action, arns in allowed.items()}
    assert ends == {
        "sqs:SendMessage": {url.rpartition("/")[2] for url in (lane.request_queue_url, lane.results_queue_url)},
        "lambda:InvokeFunction": {"headway-dev-workflows-keep_review"},
    }


def test_the_other_lane_is_refused_where_it_tries_all_the_same(lab: Laboratory) -> None:
    """Let a task's message get into the other lane's queue: that vendor does the job, and its lane may not say so."""
    states, sqs = lab.target.client("stepfunctions"), lab.target.client("sqs")
    used, other = lab.stage.lanes[VENDOR], lab.stage.lanes[OTHER]
    with lab.held(used.dispatcher_function):
        execution = states.start_execution(
            stateMachineArn=lab.stage.workflows["review"].arn,
            name="astray",
            input=json.dumps({"payload": {"version": "v", "input": {}}}),
        )["executionArn"]
        [message] = sqs.receive_message(QueueUrl=used.request_queue_url, WaitTimeSeconds=5)["Messages"]
        body = {**json.loads(message["Body"]), "vendor": OTHER}
        sqs.send_message(QueueUrl=other.request_queue_url, MessageBody=json.dumps(body), MessageGroupId="astray")
        denied = until(lambda: [one for one in lab.denials() if one["action"] == SENDING[0]])
        assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
        states.stop_execution(executionArn=execution)
    roles = {role_name(lab.stage.name, OTHER, function) for function in Function}
    assert {one["principal"].rpartition("/")[2] for one in denied} <= roles, denied
