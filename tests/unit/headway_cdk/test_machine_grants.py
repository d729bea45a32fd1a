"""What a state machine's role has to allow: drawn from AWS's developer guide and service authorization reference."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from headway_cdk.configuration import ConfigurationError
from headway_cdk.machine_grants import grants_of, waits_for
from headway_cdk.placeholders import AwsAccount, Binding, ResourceKind, bucket, bus, function, queue, table
from headway_cdk.resources import WORKFLOWS
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = AwsAccount("aws", "us-east-1", "123456789012")
CALL = "arn:aws:states:::"
FUNCTION = ACCOUNT.arn("lambda", "function:use_result")
REQUESTS = ACCOUNT.arn("sqs", "requests")
URGENT = ACCOUNT.arn("sqs", "urgent")
OTHERS = ACCOUNT.arn("sqs", "others")
ORDERS = ACCOUNT.arn("dynamodb", "table/orders")
STOCK = ACCOUNT.arn("dynamodb", "table/stock")
CLAIMS = "arn:aws:s3:::claims"
PICTURES = "arn:aws:s3:::pictures"
NEWS = ACCOUNT.arn("events", "event-bus/news")
MACHINE = ACCOUNT.arn("states", "stateMachine:headway-dev-acme-call-vendor")
EXECUTIONS = ACCOUNT.arn("states", "execution:headway-dev-acme-call-vendor:*")
RULE = ACCOUNT.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")


def of(vendor: str, bound: Binding) -> Binding:
    return Binding(bound.value, bound.kind, bound.arn, vendor, bound.executions_arn)


BOUND: Mapping[str, Binding] = {
    "UseResultFunctionArn": function(FUNCTION),
    "AcmeRequestQueueUrl": of("acme", queue("https://acme", REQUESTS)),
    "AcmeUrgentQueueUrl": of("acme", queue("https://acme-urgent", URGENT)),
    "AcmeClaimsBucket": of("acme", bucket("claims", CLAIMS)),
    "AcmeCallVendorArn": of("acme", ACCOUNT.machine("headway-dev-acme-call-vendor")),
    "OtherRequestQueueUrl": of("other", queue("https://other", OTHERS)),
    "PicturesBucket": bucket("pictures", PICTURES),
    "NewsBus": bus("news", NEWS),
    "OrdersTable": table("orders", ORDERS),
    "StockTable": table("stock", STOCK),
    "Greeting": Binding("hello"),
}


def task(resource: str, **arguments: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}


def machine(*states: Mapping[str, Any]) -> dict[str, Any]:
    return {"StartAt": "S0", "States": {f"S{number}": state for number, state in enumerate(states)}}


def granted(document: Any, **more: Any) -> dict[str, set[str]]:
    found = grants_of(document, BOUND, file="order.asl.json", machine="headway-dev-order", account=ACCOUNT, **more)
    assert all(len(set(arns)) == len(arns) for arns in found.values())
    return {action: set(arns) for action, arns in found.items()}


def refusal(document: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        granted(document)
    return str(refused.value)


SINGLE: Mapping[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "lambda:invoke": ({"FunctionName": "${UseResultFunctionArn}"}, {"lambda:InvokeFunction": {FUNCTION}}),
    "lambda:invoke.waitForTaskToken": (
        {"FunctionName": "${UseResultFunctionArn}"},
        {"lambda:InvokeFunction": {FUNCTION}},
    ),
    "aws-sdk:lambda:invoke": ({"FunctionName": "${UseResultFunctionArn}"}, {"lambda:InvokeFunction": {FUNCTION}}),
    "sqs:sendMessage": ({"QueueUrl": "${AcmeRequestQueueUrl}"}, {"sqs:SendMessage": {REQUESTS}}),
    "sqs:sendMessage.waitForTaskToken": (
        {"QueueUrl": "{% $urgent ? '${AcmeUrgentQueueUrl}' : '${AcmeRequestQueueUrl}' %}"},
        {"sqs:SendMessage": {REQUESTS, URGENT}},
    ),
    "aws-sdk:sqs:sendMessageBatch": ({"QueueUrl": "${AcmeRequestQueueUrl}"}, {"sqs:SendMessage": {REQUESTS}}),
    "aws-sdk:sqs:getQueueAttributes": (
        {"QueueUrl": "${AcmeRequestQueueUrl}"},
        {"sqs:GetQueueAttributes": {REQUESTS}},
    ),
    "dynamodb:updateItem": ({"TableName": "${OrdersTable}"}, {"dynamodb:UpdateItem": {ORDERS}}),
    "dynamodb:getItem": ({"TableName": "${OrdersTable}"}, {"dynamodb:GetItem": {ORDERS}}),
    "aws-sdk:dynamodb:query": ({"TableName": "${OrdersTable}"}, {"dynamodb:Query": {ORDERS}}),
    "aws-sdk:dynamodb:batchGetItem": (
        {"RequestItems": {"${OrdersTable}": {"Keys": []}, "${StockTable}": {"Keys": []}}},
        {"dynamodb:BatchGetItem": {ORDERS, STOCK}},
    ),
    "aws-sdk:dynamodb:transactGetItems": (
        {"TransactItems": [{"Get": {"TableName": "${OrdersTable}"}}, {"Get": {"TableName": "${StockTable}"}}]},
        {"dynamodb:GetItem": {ORDERS, STOCK}},
    ),
    "states:startExecution": ({"StateMachineArn": "${AcmeCallVendorArn}"}, {"states:StartExecution": {MACHINE}}),
    "states:startExecution.sync": (
        {"StateMachineArn": "${AcmeCallVendorArn}"},
        {
            "states:StartExecution": {MACHINE},
            "states:DescribeExecution": {EXECUTIONS},
            "states:StopExecution": {EXECUTIONS},
            "events:PutTargets": {RULE},
            "events:PutRule": {RULE},
            "events:DescribeRule": {RULE},
        },
    ),
    "aws-sdk:sfn:startSyncExecution": (
        {"StateMachineArn": "${AcmeCallVendorArn}"},
        {"states:StartSyncExecution": {MACHINE}},
    ),
    "aws-sdk:s3:putObject": ({"Bucket": "${AcmeClaimsBucket}"}, {"s3:PutObject": {f"{CLAIMS}/requests/acme/*"}}),
    "aws-sdk:s3:getObject": ({"Bucket": "${AcmeClaimsBucket}"}, {"s3:GetObject": {f"{CLAIMS}/results/acme/*"}}),
    "aws-sdk:s3:headObject": ({"Bucket": "${PicturesBucket}"}, {"s3:GetObject": {f"{PICTURES}/*"}}),
    "aws-sdk:s3:listObjectsV2": ({"Bucket": "${PicturesBucket}"}, {"s3:ListBucket": {PICTURES}}),
    "events:putEvents": ({"Entries": [{"EventBusName": "${NewsBus}"}]}, {"events:PutEvents": {NEWS}}),
    "aws-sdk:eventbridge:putEvents": ({"Entries": [{"EventBusName": "${NewsBus}"}]}, {"events:PutEvents": {NEWS}}),
}


@pytest.mark.parametrize("call", SINGLE)
def test_a_call_is_granted_as_the_documentation_of_its_service_says(call: str) -> None:
    arguments, expected = SINGLE[call]
    assert granted(machine(task(CALL + call, **arguments))) == expected


def test_a_nested_execution_is_granted_alike_whether_its_output_is_text_or_json() -> None:
    arguments, expected = SINGLE["states:startExecution.sync"]
    assert granted(machine(task(f"{CALL}states:startExecution.sync:2", **arguments))) == expected


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "${Partition}", "${AWS::Partition}"])
def test_the_partition_of_a_call_does_not_matter(partition: str) -> None:
    call = f"arn:{partition}:states:::dynamodb:putItem"
    assert granted(machine(task(call, TableName="${OrdersTable}"))) == {"dynamodb:PutItem": {ORDERS}}


def test_every_action_that_is_granted_is_one_that_there_is_and_is_for_that_resource() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import: pkg_resources is deprecated, and so are its escapes
        from parliament import analyze_policy_string
    states = [task(CALL + call, **arguments) for call, (arguments, _) in SINGLE.items()]
    documents = [machine(*states), machine(DISTRIBUTED)]
    for document in documents:
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": sorted(arns)}
            for action, arns in granted(document).items()
        ]
        found = analyze_policy_string(json.dumps({"Version": "2012-10-17", "Statement": statements})).findings
        wrong = [(one.issue, {mismatch["action"] for mismatch in one.detail}) for one in found]
        # The linter's list knows executions of Express there only; the witness is the guide's policy for nested ones.
        assert wrong in ([], [("RESOURCE_MISMATCH", {"states:DescribeExecution"})])


def test_jsonpath_names_what_a_call_is_about_as_jsonata_does() -> None:
    state = {
        "Type": "Task",
        "Resource": f"{CALL}sqs:sendMessage",
        "Parameters": {"QueueUrl.$": "States.Format('{}', '${AcmeRequestQueueUrl}')"},
    }
    assert granted(machine(state)) == {"sqs:SendMessage": {REQUESTS}}


def test_arguments_that_are_one_expression_are_read_whole() -> None:
    state = task(f"{CALL}lambda:invoke") | {"Arguments": "{% {'FunctionName': '${UseResultFunctionArn}'} %}"}
    assert granted(machine(state)) == {"lambda:InvokeFunction": {FUNCTION}}


def test_a_function_may_be_the_resource_itself() -> None:
    assert granted(machine(task("${UseResultFunctionArn}"))) == {"lambda:InvokeFunction": {FUNCTION}}


def test_an_activity_asks_for_nothing_of_the_machines_role() -> None:
    assert granted(machine(task("arn:aws:states:us-east-1:123456789012:activity:pack"))) == {}


def test_what_a_call_only_passes_on_is_not_granted() -> None:
    message = {"reply_to": "${OtherRequestQueueUrl}", "with": "${UseResultFunctionArn}", "from": "${OrdersTable}"}
    state = task(f"{CALL}sqs:sendMessage", QueueUrl="${AcmeRequestQueueUrl}", MessageBody=message)
    assert granted(machine(state)) == {"sqs:SendMessage": {REQUESTS}}


def test_a_setting_beside_what_a_call_is_about_is_nothing_to_be_granted() -> None:
    state = task(f"{CALL}sqs:sendMessage", QueueUrl="{% $word = '${Greeting}' ? '${AcmeRequestQueueUrl}' : $queue %}")
    assert granted(machine(state)) == {"sqs:SendMessage": {REQUESTS}}


def test_what_a_state_names_beside_its_arguments_is_not_granted() -> None:
    state = task(f"{CALL}lambda:invoke", FunctionName="${UseResultFunctionArn}")
    state |= {"Output": "${OrdersTable}", "Assign": {"queue": "${AcmeRequestQueueUrl}"}}
    assert granted(machine(state)) == {"lambda:InvokeFunction": {FUNCTION}}


INNER = machine(task(f"{CALL}dynamodb:putItem", TableName="${OrdersTable}"))


@pytest.mark.parametrize(
    "around",
    [
        {"Type": "Map", "ItemProcessor": INNER},
        {"Type": "Map", "Iterator": INNER},
        {"Type": "Parallel", "Branches": [machine({"Type": "Succeed"}), INNER]},
        {"Type": "Map", "ItemProcessor": machine({"Type": "Parallel", "Branches": [INNER]})},
    ],
)
def test_states_inside_map_and_parallel_count(around: dict[str, Any]) -> None:
    assert granted(machine(around)) == {"dynamodb:PutItem": {ORDERS}}


DISTRIBUTED: dict[str, Any] = {
    "Type": "Map",
    "Label": "Lines",
    "ItemReader": {"Resource": f"{CALL}s3:getObject", "Arguments": {"Bucket": "${AcmeClaimsBucket}"}},
    "ItemProcessor": INNER | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
    "ResultWriter": {"Resource": f"{CALL}s3:putObject", "Arguments": {"Bucket": "${PicturesBucket}"}},
}


def test_a_distributed_map_starts_its_own_machine_reads_its_items_and_writes_its_results() -> None:
    own = ACCOUNT.arn("states", "execution:headway-dev-order")
    assert granted(machine(DISTRIBUTED)) == {
        "states:StartExecution": {ACCOUNT.arn("states", "stateMachine:headway-dev-order")},
        "states:DescribeExecution": {f"{own}:*"},
        "states:StopExecution": {f"{own}:*"},
        "states:RedriveExecution": {f"{own}/Lines:*"},
        "dynamodb:PutItem": {ORDERS},
        "s3:GetObject": {f"{CLAIMS}/results/acme/*", f"{PICTURES}/*"},
        "s3:PutObject": {f"{PICTURES}/*"},
        "s3:ListMultipartUploadParts": {f"{PICTURES}/*"},
        "s3:AbortMultipartUpload": {f"{PICTURES}/*"},
    }


def test_the_items_of_a_distributed_map_may_be_the_objects_of_a_bucket() -> None:
    reader = {"Resource": f"{CALL}s3:listObjectsV2", "Arguments": {"Bucket": "${PicturesBucket}"}}
    assert granted(machine(DISTRIBUTED | {"ItemReader": reader}))["s3:ListBucket"] == {PICTURES}


@pytest.mark.parametrize("call", ["deleteObject", "listObjectsV2"])
def test_a_lanes_bucket_takes_requests_and_gives_results_and_nothing_else(call: str) -> None:
    said = refusal(machine(task(f"{CALL}aws-sdk:s3:{call}", Bucket="${AcmeClaimsBucket}")))
    assert said == (
        "order.asl.json: state `S0`: a lane's bucket takes requests (`s3:putObject`) and gives results"
        f" (`s3:getObject`); use a bucket of your own for `s3:{call}`"
    )


def test_a_call_that_names_nothing_by_a_placeholder_is_one_line_with_the_way_out() -> None:
    said = refusal(machine(task(f"{CALL}sqs:sendMessage", QueueUrl="{% $queue %}", MessageBody="${Greeting}")))
    assert said == (
        "order.asl.json: state `S0`: `sqs:sendMessage` names nothing by a placeholder; name its queue by one,"
        " or grant it on `HeadwayWorkflow.machine` in cdk/app.py, with the state's name in `by_hand`"
    )


@pytest.mark.parametrize(
    "call", ["sns:publish", "events:putEvents", "http:invoke", "aws-sdk:bedrockruntime:invokeModel", "ecs:runTask.sync"]
)
def test_a_call_of_a_service_that_no_placeholder_is_for_is_refused_with_the_way_out(call: str) -> None:
    said = refusal(machine(task(CALL + call, Message="${Greeting}")))
    assert said.startswith("order.asl.json: state `S0`: `")
    assert "grant it on `HeadwayWorkflow.machine` in cdk/app.py" in said


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("dynamodb:transactWriteItems", {"TransactItems": [{"Put": {"TableName": "${OrdersTable}"}}]}),
        ("s3:copyObject", {"Bucket": "${PicturesBucket}"}),
    ],
)
def test_a_call_for_which_iam_knows_no_one_action_is_refused(call: str, arguments: dict[str, Any]) -> None:
    said = refusal(machine(task(f"{CALL}aws-sdk:{call}", **arguments)))
    assert said.startswith(f"order.asl.json: state `S0`: no grant follows from `{call}`; grant it on")


def test_a_function_that_is_no_placeholder_is_refused() -> None:
    said = refusal(machine(task("arn:aws:lambda:us-east-1:123456789012:function:of-somebody")))
    assert said.startswith("order.asl.json: state `S0`: `Resource` is 'arn:aws:lambda:")


def test_what_is_granted_by_hand_is_neither_refused_nor_granted_here() -> None:
    document = machine(task(f"{CALL}sns:publish"), task(f"{CALL}dynamodb:putItem", TableName="${OrdersTable}"))
    assert granted(document, by_hand={"S0"}) == {"dynamodb:PutItem": {ORDERS}}


def test_only_the_lanes_that_a_token_is_sent_to_may_settle_the_machines_tasks() -> None:
    waiting = task(f"{CALL}sqs:sendMessage.waitForTaskToken", QueueUrl="${AcmeRequestQueueUrl}")
    telling = task(f"{CALL}sqs:sendMessage", QueueUrl="${OtherRequestQueueUrl}")
    assert waits_for(machine(telling, {"Type": "Parallel", "Branches": [machine(waiting)]}), BOUND) == {"acme"}


def test_a_machine_that_starts_another_one_waits_for_no_lane_itself() -> None:
    started = task(f"{CALL}states:startExecution.sync:2", StateMachineArn="${AcmeCallVendorArn}")
    assert waits_for(machine(started), BOUND) == set()


def test_a_queue_of_no_lane_lets_no_lane_settle() -> None:
    own = {"OwnQueueUrl": queue("https://own", "arn:own")}
    waiting = task(f"{CALL}sqs:sendMessage.waitForTaskToken", QueueUrl="${OwnQueueUrl}")
    assert waits_for(machine(waiting), own) == set()


@given(st.sets(st.sampled_from(sorted(SINGLE))))
def test_a_machine_is_granted_what_its_calls_are_granted_each_and_nothing_else(calls: set[str]) -> None:
    expected: dict[str, set[str]] = {}
    for call in calls:
        for action, arns in SINGLE[call][1].items():
            expected.setdefault(action, set()).update(arns)
    assert granted(machine(*(task(CALL + call, **SINGLE[call][0]) for call in calls))) == expected


LANE: Mapping[str, Binding] = {
    "RequestQueueUrl": queue("u", "requests"),
    "UrgentQueueUrl": queue("u", "urgent"),
    "ResultsQueueUrl": queue("u", "results"),
    "CallsTable": table("c", "calls"),
    "JobsTable": table("j", "jobs"),
    "CallerFunctionArn": function("caller"),
    "SettlerFunctionArn": function("settler"),
    "ProxyHost": Binding("h", ResourceKind.API, "submit path"),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("call_vendor", {"sqs:SendMessage": {"requests", "urgent", "results"}}),
        ("dispatch_call", {"lambda:InvokeFunction": {"caller", "settler"}}),
        (
            "dispatch_call_direct",
            {
                "execute-api:Invoke": {"submit path"},
                "dynamodb:GetItem": {"calls"},
                "dynamodb:UpdateItem": {"calls", "jobs"},
                "lambda:InvokeFunction": {"settler"},
            },
        ),
    ],
)
def test_the_lanes_own_machines_are_granted_what_they_call(name: str, expected: Mapping[str, set[str]]) -> None:
    document = json.loads((WORKFLOWS / f"{name}.asl.json").read_text())
    found = grants_of(document, LANE, file=name, machine=name, account=ACCOUNT)
    assert {action: set(arns) for action, arns in found.items()} == expected
