"""Machines in the styles of public samples: what stands in the place of names and ARNs, which language, which states.

Twenty states of samples, each in a machine with three kinds of placeholders: SAM's, CDK's, and those of blog posts.
"""

import json
from collections.abc import Iterator
from typing import Any

import yaml

CALLBACK = "arn:aws:states:::{}.waitForTaskToken"
LIMITS = {"TimeoutSeconds": 3_600, "HeartbeatSeconds": 600}
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2}]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}]
CATCH_JSONATA = [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Failed"}]
TOKEN_VARIABLE = {"Name": "TASK_TOKEN", "Value.$": "$$.Task.Token"}
NAMES = {
    "sam": "${%s}",
    "cdk": "${Token[TOKEN.%s]}",
    "posts": "arn:aws:lambda:us-east-1:<ACCOUNT_ID>:function:%s",
}


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}" if ":" in resource else resource, **fields}


def step(index: int, **fields: Any) -> dict[str, Any]:
    return {"StartAt": f"Step{index}", "States": {f"Step{index}": {**fields, "End": True}}}


def jsonpath_states(name: Any) -> dict[str, dict[str, Any]]:
    """Return states of JSONPath machines by what they show; `name` gives a placeholder."""
    invoke = task("lambda:invoke", Parameters={"FunctionName": name("Function"), "Payload.$": "$"}, Retry=RETRY)
    wait = {"Type": "Wait", "SecondsPath": "$.seconds"}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
        "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
    }
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": name("Results"), "Prefix": "out"}}
    distributed = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **step(1, **invoke)}
    nested = {"Type": "Parallel", "Branches": [step(2, Type="Pass"), step(3, **invoke)]}
    run_task = {
        "LaunchType": "FARGATE",
        "Cluster": name("Cluster"),
        "TaskDefinition": name("Task"),
        "Overrides": {
            "ContainerOverrides": [{"Name": "c", "Environment": [{"Name": "T", "Value.$": "$$.Task.Token"}]}]
        },
    }
    return {
        "function ARN": {"Type": "Task", "Resource": name("Function"), "Retry": RETRY, "Catch": CATCH},
        "invoke": {**invoke, "ResultSelector": {"body.$": "$.Payload.body"}, "ResultPath": "$.answer"},
        "token to a function": task(
            "lambda:invoke.waitForTaskToken",
            Parameters={
                "FunctionName": name("Function"),
                "Payload": {"order.$": "$.id", "t.$": "$$.Task.Token"},
            },
            Catch=CATCH,
            **LIMITS,
        ),
        "token in a container": task("ecs:runTask.waitForTaskToken", Parameters=run_task, Catch=CATCH, **LIMITS),
        "distributed map": {
            "Type": "Map",
            "ItemReader": reader,
            "ItemProcessor": distributed,
            "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"at.$": "$$.Execution.StartTime"}},
            "ResultWriter": writer,
            "ToleratedFailurePercentage": 5,
            "MaxConcurrency": 100,
            "Label": "rows",
        },
        "iterator": {
            "Type": "Map",
            "ItemsPath": "$.rows",
            "Parameters": {"row.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "all.$": "$.id"},
            "Iterator": step(1, Type="Pass", Result={"done": True}, ResultPath="$.state"),
        },
        "nested parallel": {
            "Type": "Parallel",
            "Branches": [step(1, **nested), step(4, **wait)],
            "ResultPath": "$.both",
        },
        "job": task(
            "glue:startJobRun.sync",
            Parameters={"JobName": name("Job"), "Arguments": {"--key.$": "$.key"}},
            Catch=CATCH,
        ),
        "activity": {"Type": "Task", "Resource": f"arn:aws:states:us-east-1:{name('Id')}:activity:work", **LIMITS},
        "intrinsics": {
            "Type": "Pass",
            "Parameters": {
                "id.$": "States.UUID()",
                "text.$": "States.Format('s3://{}/{}', $.bucket, $$.Execution.Name)",
                "part.$": "States.ArrayGetItem(States.StringSplit($.key, '/'), 0)",
                "merged.$": "States.JsonMerge($.a, $.b, false)",
                "some.$": "$.rows[?(@.price > 10)].name",
            },
        },
        "query": task("athena:startQueryExecution.sync", Parameters={"QueryString.$": "$.sql", "WorkGroup": name("G")}),
        "item": task(
            "dynamodb:putItem",
            Parameters={
                "TableName": name("Table"),
                "Item": {"id": {"S.$": "$.id"}, "at": {"S.$": "$$.State.Name"}},
            },
            ResultPath=None,
        ),
    }


def jsonata_states(name: Any) -> dict[str, dict[str, Any]]:
    """Return the same of JSONata machines."""
    use = {
        "Arguments": {"FunctionName": name("Function"), "Payload": {"id": "{% $states.input.id %}"}},
        "Output": "{% $states.result.Payload %}",
    }
    started = {"StateMachineArn": name("Machine"), "Input": {"id": "{% $states.input.detail.id %}"}}
    return {
        "assign": {
            "Type": "Pass",
            "Assign": {"total": "{% $sum($states.input.rows.price) %}", "now": "{% $now() %}"},
            "Output": "{% $states.input %}",
        },
        "sdk": task(
            "aws-sdk:s3:listObjectsV2",
            Arguments={"Bucket": name("Bucket"), "Prefix": "{% $states.input.prefix & '/' & $uuid() %}"},
            Output="{% $states.result.Contents[Size > 0].{'key': Key, 'size': Size} %}",
        ),
        "map": {
            "Type": "Map",
            "Items": "{% $filter($states.input.rows, function($row) { $row.price > 10 }) %}",
            "ItemSelector": {"row": "{% $states.context.Map.Item.Value %}"},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **step(1, **task("lambda:invoke", **use))},
            "MaxConcurrency": "{% $states.input.at_once %}",
        },
        "child": task("states:startExecution.sync:2", Arguments=started, Catch=CATCH_JSONATA),
        "token to a queue": task(
            "sqs:sendMessage.waitForTaskToken",
            Arguments={"QueueUrl": name("Queue"), "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
            Catch=CATCH_JSONATA,
            **LIMITS,
        ),
        "event": {"Type": "Pass", "Output": {"bucket": "{% $states.input.detail.bucket.name %}"}},
        "http": task(
            "http:invoke",
            Arguments={
                "ApiEndpoint": "{% 'https://api.example/orders/' & $states.input.id %}",
                "Method": "GET",
                "InvocationConfig": {"ConnectionArn": name("Connection")},
            },
            Retry=[{"ErrorEquals": ["States.Http.StatusCode.429", "States.Timeout"], "MaxAttempts": 3}],
            Catch=CATCH_JSONATA,
        ),
        "wait until": {"Type": "Wait", "Timestamp": "{% $fromMillis($millis() + 60000) %}"},
    }


def framed(style: str, language: str, state: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Return a machine around a state: with a limit, behind a Choice, or as one of two branches."""
    done = {"Done": {"Type": "Succeed"}}
    inner = {"StartAt": "First", "States": {"First": state, **done, **others}}
    if style == "sam":
        return {"QueryLanguage": language, "TimeoutSeconds": 86_400, **inner}
    if style == "cdk":
        jsonata = {"Condition": "{% $exists($states.input.id) and $count($states.input.rows) >= 1 %}", "Next": "First"}
        rules = [{"Variable": "$.id", "IsPresent": True}, {"Not": {"Variable": "$.rows[0]", "IsNull": True}}]
        choice = jsonata if language == "JSONata" else {"And": rules, "Next": "First"}
        look = {"Look": {"Type": "Choice", "Choices": [choice], "Default": "Done"}}
        return {"QueryLanguage": language, "StartAt": "Look", "States": {**look, **inner["States"]}}  # type: ignore[dict-item]
    both = {"Type": "Parallel", "Branches": [inner, step(9, Type="Wait", Seconds=5)], "Retry": RETRY, "End": True}
    return {"QueryLanguage": language, "StartAt": "Both", "States": {"Both": both}}


def machines() -> Iterator[tuple[str, str, str]]:
    """Yield sixty machines: what each shows, the name of its file, and its text."""
    for style, pattern in NAMES.items():
        for language, states in (
            ("JSONPath", jsonpath_states(lambda name, pattern=pattern: pattern % name)),
            ("JSONata", jsonata_states(lambda name, pattern=pattern: pattern % name)),
        ):
            for index, (shows, state) in enumerate(states.items()):
                failing = {"Failed": {"Type": "Fail", "Error": "Sample.Failed", "Cause": shows}}
                machine = framed(style, language, {**state, "Next": "Done"}, failing if "Catch" in state else {})
                machine["Comment"] = f"A sample: {shows}"
                is_yaml = index % 2 == 1
                text = yaml.safe_dump(machine, sort_keys=False) if is_yaml else json.dumps(machine, indent=2)
                yield f"{shows} of {style}", f"sample.asl.{'yaml' if is_yaml else 'json'}", text
