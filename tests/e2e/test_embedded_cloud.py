"""The embedded cloud from start to stop: a function behind a queue, in a hand-made assembly of small stacks."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from headway.cloud import process
from headway.cloud.state import CloudState
from headway.deployment.assembly import stacks
from headway.deployment.cloudformation import deploy, remove, stack_names
from headway.deployment.target import LocalTarget
from headway.errors import DeploymentFailed

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
HANDLER = """
import os
import boto3

def handler(event, context):
    for record in event["Records"]:
        boto3.client("sqs").send_message(QueueUrl=os.environ["ANSWERS_URL"], MessageBody=record["body"].upper())
"""
VISIBILITY_PARAMETER = "/two-queues/visibility"
STATEFUL = {
    "Parameters": {
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        },
        "VisibilitySeconds": {"Type": "Number", "Default": 30},
    },
    "Resources": {
        "Questions": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"VisibilityTimeout": {"Ref": "VisibilitySeconds"}},
        },
        "Answers": {"Type": "AWS::SQS::Queue"},
        "Said": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": VISIBILITY_PARAMETER, "Type": "String", "Value": {"Ref": "VisibilitySeconds"}},
        },
    },
    "Outputs": {
        "QuestionsUrl": {"Value": {"Ref": "Questions"}},
        "QuestionsArn": {"Value": {"Fn::GetAtt": ["Questions", "Arn"]}, "Export": {"Name": "QuestionsArn"}},
        "AnswersUrl": {"Value": {"Ref": "Answers"}, "Export": {"Name": "AnswersUrl"}},
        "AnswersArn": {"Value": {"Fn::GetAtt": ["Answers", "Arn"]}, "Export": {"Name": "AnswersArn"}},
    },
}
STATELESS = {
    # Above 51,200 bytes, so that it has to come from the bucket.
    "Description": "A function between two queues.",
    "Metadata": {"Padding": "x" * 60_000},
    "Parameters": {"Visibility": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": VISIBILITY_PARAMETER}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "Queues",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                                    "Resource": {"Fn::ImportValue": "QuestionsArn"},
                                },
                                {
                                    "Effect": "Allow",
                                    "Action": "sqs:SendMessage",
                                    "Resource": {"Fn::ImportValue": "AnswersArn"},
                                },
                            ],
                        },
                    }
                ],
            },
        },
        "Answerer": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"S3Bucket": {"Fn::Sub": BUCKET}, "S3Key": "answerer.zip"},
                "Environment": {
                    "Variables": {
                        "ANSWERS_URL": {"Fn::ImportValue": "AnswersUrl"},
                        "VISIBILITY_S": {"Ref": "Visibility"},
                    }
                },
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::ImportValue": "QuestionsArn"},
                "FunctionName": {"Ref": "Answerer"},
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
    },
    "Outputs": {"AnswererName": {"Value": {"Ref": "Answerer"}}},
}
BESIDE = {"Resources": {"Alone": {"Type": "AWS::SQS::Queue"}}}
BROKEN = {
    "Resources": {
        "Fine": {"Type": "AWS::SQS::Queue"},
        "Wrong": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "SecureString", "Value": "CloudFormation makes none of these"},
        },
    }
}
ALL = ("headway-beside", "headway-stateful", "headway-stateless")


@pytest.fixture
def assembly_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "cdk.out"
    (folder / "asset.answerer").mkdir(parents=True)
    (folder / "asset.answerer" / "index.py").write_text(HANDLER)
    artifacts: dict[str, Any] = {}
    templates = {"Stateless": STATELESS, "Beside": BESIDE, "Stateful": STATEFUL, "Broken": BROKEN}
    for name, template in templates.items():
        template_file = f"{name}.template.json"
        (folder / template_file).write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": template_file, "stackName": f"headway-{name.lower()}"},
            "dependencies": ["Stateful"] if name == "Stateless" else [],
        }
        sources = [(template_file, "file", f"{name}.json"), ("asset.answerer", "zip", "answerer.zip")]
        files = {
            key: {
                "source": {"path": path, "packaging": packaging},
                "destinations": {"current_account-current_region": {"bucketName": BUCKET, "objectKey": key}},
            }
            for path, packaging, key in sources
        }
        (folder / f"{name}.assets.json").write_text(json.dumps({"files": files}))
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[CloudState]:
    state_dir = tmp_path / ".headway"
    try:
        yield process.start(state_dir)
    finally:
        process.stop(state_dir)


def processes_with_tmp_dir(tmp_dir: str) -> list[psutil.Process]:
    found = []
    for candidate in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if candidate.environ().get("TMPDIR") == tmp_dir and candidate.status() != psutil.STATUS_ZOMBIE:
                found.append(candidate)
    return found


def deployed(
    target: LocalTarget,
    assembly_dir: Path,
    parameters: Mapping[str, str],
    phrases: list[tuple[str, str]],
    but: str = "Broken",
) -> list[str]:
    """Deploy all stacks but one, and return the names of those that were changed."""
    chosen = [artifact for artifact in stacks(assembly_dir) if artifact.artifact_id != but]
    return sorted(deploy(target, chosen, parameters, lambda *phrase: phrases.append(phrase)))


def outputs(target: LocalTarget) -> dict[str, str]:
    """Return the outputs of all stacks."""
    found = target.client("cloudformation").describe_stacks()["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for stack in found for each in stack.get("Outputs", [])}


def receive(target: LocalTarget, queue_url: str) -> list[str]:
    """Return the bodies that the queue gives within twenty seconds, at the first it gives."""
    sqs = target.client("sqs")
    messages: list[dict[str, Any]] = Retrying(
        retry=retry_if_result(lambda messages: not messages), wait=wait_fixed(0.1), stop=stop_after_delay(20)
    )(lambda: sqs.receive_message(QueueUrl=queue_url).get("Messages", []))
    return [message["Body"] for message in messages]


def test_an_assembly_is_deployed_twice_runs_and_leaves_nothing_behind(
    cloud: CloudState, assembly_dir: Path, tmp_path: Path
) -> None:
    state_dir = tmp_path / ".headway"
    assert process.start(state_dir) == cloud, "a second start returns the running cloud"
    assert process.status(state_dir) == cloud
    target = LocalTarget(cloud.endpoint_url)

    phrases: list[tuple[str, str]] = []
    parameters = {"VisibilitySeconds": "45", "OfNoStack": "1"}
    assert deployed(target, assembly_dir, parameters, phrases) == list(ALL)
    assert deployed(target, assembly_dir, parameters, phrases) == []
    assert [phrase for stack, phrase in phrases if stack == "headway-stateless"] == [
        "1 of 2 assets uploaded",  # the function's came with the stack that it needs
        "creating 3 resources",
        "CREATE_COMPLETE",
        "unchanged",
    ]
    questions_url = outputs(target)["QuestionsUrl"]
    attributes = target.client("sqs").get_queue_attributes(QueueUrl=questions_url, AttributeNames=["All"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "45"

    target.client("sqs").send_message(QueueUrl=questions_url, MessageBody="anybody there?")
    assert receive(target, outputs(target)["AnswersUrl"]) == ["ANYBODY THERE?"]

    assert len(processes_with_tmp_dir(cloud.tmp_dir)) == 3, "ministack, one worker, and what that was forked from"
    assert process.stop(state_dir) is True
    assert processes_with_tmp_dir(cloud.tmp_dir) == []
    assert [path.name for path in state_dir.iterdir()] == ["cloud.log"]
    assert process.status(state_dir) is None
    assert process.stop(state_dir) is False


def test_what_has_changed_is_deployed_with_whoever_needs_it_and_what_is_removed_is_gone(
    cloud: CloudState, assembly_dir: Path
) -> None:
    target = LocalTarget(cloud.endpoint_url)
    deployed(target, assembly_dir, {"VisibilitySeconds": "45"}, [])
    assert deployed(target, assembly_dir, {"VisibilitySeconds": "50"}, []) == ["headway-stateful", "headway-stateless"]
    answerer = target.client("lambda").get_function_configuration(FunctionName=outputs(target)["AnswererName"])
    assert answerer["Environment"]["Variables"]["VISIBILITY_S"] == "50", "what it had looked up has changed"
    other = {"Resources": {**BESIDE["Resources"], "Second": {"Type": "AWS::SQS::Queue"}}}
    (assembly_dir / "Beside.template.json").write_text(json.dumps(other))
    assert deployed(target, assembly_dir, {"VisibilitySeconds": "50"}, []) == ["headway-beside"]
    client = target.client("cloudformation")
    assert stack_names(client, "headway-") == list(ALL)
    remove(client, ["headway-stateless", "headway-stateful"])
    assert stack_names(client, "headway-") == ["headway-beside"]
    queues = target.client("sqs").list_queues()["QueueUrls"]
    assert len(queues) == len(other["Resources"]), "what was in the others is gone with them"


def test_workers_of_a_cloud_that_was_killed_are_ended_and_the_next_start_is_clean(
    cloud: CloudState, assembly_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_GRACE_S", 0.5)
    target = LocalTarget(cloud.endpoint_url)
    deployed(target, assembly_dir, {}, [])
    target.client("lambda").invoke(FunctionName=outputs(target)["AnswererName"], Payload=b'{"Records": []}')
    (worker,) = psutil.Process(cloud.pid).children()
    worker.suspend()  # otherwise it would notice the closed pipe and leave by itself
    psutil.Process(cloud.pid).kill()
    psutil.Process(cloud.pid).wait(10)

    successor = process.start(tmp_path / ".headway")
    assert (successor.pid, successor.tmp_dir) != (cloud.pid, cloud.tmp_dir)
    assert processes_with_tmp_dir(cloud.tmp_dir) == []
    assert not Path(cloud.tmp_dir).exists()


def test_a_failed_deployment_names_the_resource_on_one_line_and_can_be_repeated(
    cloud: CloudState, assembly_dir: Path
) -> None:
    target = LocalTarget(cloud.endpoint_url)
    for _ in range(2):
        with pytest.raises(DeploymentFailed) as failed:
            deployed(target, assembly_dir, {}, [], but="")
        message = str(failed.value)
        assert message.startswith("headway-broken: Wrong (AWS::SSM::Parameter): ")
        assert "\n" not in message
