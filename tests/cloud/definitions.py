"""Definitions that AWS refuses, and the code and place with which it does; drawn from guides and bug reports."""

import json
from pathlib import Path
from typing import Any, NamedTuple

CASES = Path(__file__).parent / "machines.json"


class Broken(NamedTuple):
    """A definition that AWS refuses, the words of its message, and the kind of machine."""

    definition: Any
    words: str
    kind: str = "STANDARD"


SCHEMA = "SCHEMA_VALIDATION_FAILED: "
ASK: Any = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Arguments": {"QueueUrl": "u", "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
    "End": True,
}
DONE = {"Type": "Succeed"}
BRANCH: Any = {"StartAt": "Within", "States": {"Within": {"Type": "Pass", "End": True}}}


def machine(state: Any, language: str = "JSONata", **others: Any) -> Any:
    """Return a definition of one state `It`, and others."""
    return {"QueryLanguage": language, "StartAt": "It", "States": {"It": state, **others}}


def passing(output: Any) -> Any:
    return machine({"Type": "Pass", "Output": output, "End": True})


def task(**changes: Any) -> Any:
    return machine({**ASK, **changes})


def each(**changes: Any) -> Any:
    return machine({"Type": "Map", "ItemProcessor": BRANCH, "End": True, **changes})


def catching(*catchers: Any) -> Any:
    return machine({**ASK, "Catch": list(catchers)}, Done=DONE)


ALL = {"ErrorEquals": ["States.ALL"], "Next": "Done"}
EXPRESS = "EXPRESS"
OTHER_LANGUAGE = "SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to "
NO_CATCH = "Field 'Catch' is not supported at /States/It"
ONE_OF = "There should only be one of the following fields: "

BROKEN: dict[str, Broken] = {
    "not JSON": Broken("{", "INVALID_JSON_DESCRIPTION"),
    "a list": Broken([], "INVALID_JSON_DESCRIPTION"),
    "no states": Broken({"StartAt": "It"}, SCHEMA + "These fields are required: [States] at /"),
    "a field that machines have not": Broken(
        {**passing(1), "Coment": "x"}, SCHEMA + "Field 'Coment' is not supported at /"
    ),
    "version of tomorrow": Broken({**passing(1), "Version": "2.0"}, "[1.0] at /Version"),
    "type that is not there": Broken(machine({"Type": "Tusk"}), "should have one of these values: [Task, Wait, Pass,"),
    "no type": Broken(machine({"End": True}), "[Type] at /States/It"),
    "transition to nowhere": Broken(
        machine({"Type": "Pass", "Next": "Ghost"}, Done=DONE),
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Ghost at /States/It/Next, "
        'MISSING_TRANSITION_TARGET: State "Done" is not reachable. at /States/Done',
    ),
    "start at nowhere": Broken({**passing(1), "StartAt": "Ghost"}, "Missing 'Next' target: Ghost at /StartAt"),
    "catcher to nowhere": Broken(catching({**ALL, "Next": "Ghost"}), "Ghost at /States/It/Catch[0]/Next"),
    "choice of nowhere": Broken(
        machine({"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Ghost"}], "Default": "D"}, D=DONE),
        "Ghost at /States/It/Choices[0]/Next",
    ),
    "default of nowhere": Broken(
        machine({"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "D"}], "Default": "Ghost"}, D=DONE),
        "Ghost at /States/It/Default",
    ),
    "a loop without an end": Broken(
        machine({"Type": "Pass", "Next": "Back"}, Back={"Type": "Pass", "Next": "It"}),
        "'MISSING_END_STATE: Workflow has no terminal state at null'",
    ),
    "a state that none leads to, within a branch": Broken(
        machine(
            {
                "Type": "Parallel",
                "End": True,
                "Branches": [{**BRANCH, "States": {**BRANCH["States"], "Alone": DONE}}],
            }
        ),
        'State "Alone" is not reachable. at /States/It/Branches[0]/States/Alone',
    ),
    "neither next nor end": Broken(machine({"Type": "Pass"}, Done=DONE), "[Next, End] at /States/It"),
    "both next and end": Broken(
        machine({"Type": "Pass", "Next": "Done", "End": True}, Done=DONE), ONE_OF + "[Next, End]"
    ),
    "two states of one name": Broken(
        machine({"Type": "Parallel", "Branches": [BRANCH, BRANCH], "End": True}),
        "DUPLICATE_STATE_NAME: Duplicate State name: Within at /States/It/Branches[1]/States/Within",
    ),
    "a name of 81 characters": Broken(
        {"StartAt": "N" * 81, "States": {"N" * 81: DONE}}, "exceeds the 80-character limit allowed by the service"
    ),
    "a catch where nothing fails": Broken(
        machine({"Type": "Pass", "Catch": [ALL], "Next": "Done"}, Done=DONE), SCHEMA + NO_CATCH
    ),
    "a time limit of a Map": Broken(each(TimeoutSeconds=5), "Field 'TimeoutSeconds' is not supported at /States/It"),
    "a field in lower case": Broken(task(resource="x"), "Field 'resource' is not supported at /States/It"),
    "a JSONPath field in JSONata": Broken(
        task(InputPath="$.a"), OTHER_LANGUAGE + "'JSONata', but field 'InputPath' is only supported for the 'JSONPath'"
    ),
    "a JSONata field in JSONPath": Broken(
        machine({"Type": "Pass", "Output": 1, "End": True}, "JSONPath"),
        OTHER_LANGUAGE + "'JSONPath', but field 'Output' is only supported for the 'JSONata'",
    ),
    "a JSONPath catcher in JSONata": Broken(catching({**ALL, "ResultPath": "$.e"}), "'ResultPath'"),
    "a JSONPath rule in JSONata": Broken(
        machine({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "D"}]}, D=DONE),
        "field 'Variable' is only supported for the 'JSONPath' QueryLanguage at /States/It/Choices[0]",
    ),
    "a JSONPath state in a JSONata machine": Broken(
        machine({"Type": "Pass", "QueryLanguage": "JSONPath", "End": True}),
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/It",
    ),
    "a Map's language is not that of its states": Broken(
        {
            "StartAt": "It",
            "States": {
                "It": {
                    "Type": "Map",
                    "QueryLanguage": "JSONata",
                    "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "Output": 1, "End": True}}},
                    "End": True,
                }
            },
        },
        "field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/It/ItemProcessor/States/P",
    ),
    "a language of a branch": Broken(
        each(ItemProcessor={**BRANCH, "QueryLanguage": "JSONata"}),
        "Field 'QueryLanguage' is not supported at /States/It/ItemProcessor",
    ),
    "a language of another case": Broken(
        {**passing(1), "QueryLanguage": "jsonata"}, "one of the following: [JSONPath, JSONata] at /QueryLanguage"
    ),
    "JSONata that does not parse": Broken(passing({"v": "{% $states.input.(a + %}"}), "INVALID_JSONATA_EXPRESSION: "),
    "JSONata without an end": Broken(passing("{% 1 "), "JSONata string must start with {% and end with %} at /States/"),
    "JSONata without a word": Broken(passing("{%  %}"), "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at"),
    "JSONata that reads what is not there": Broken(
        passing({"v": ["{% phone %}"]}),
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. "
        "at /States/It/Output/v[0]",
    ),
    "JSONata of the whole document": Broken(passing("{% $$ %}"), "Reference to '$$' is not supported."),
    "JSONata of the document's top": Broken(passing("{% $.a %}"), "Reference to '$' at the top level"),
    "an error where none was caught": Broken(
        task(Output="{% $states.errorOutput.Error %}"), "Field '$states.errorOutput' does not exist."
    ),
    "an expression that evaluates text": Broken(passing("{% $eval('1') %}"), "UNSUPPORTED_JSONATA_EXPRESSION"),
    "a variable with the name that is taken": Broken(
        machine({"Type": "Pass", "Assign": {"states": 1}, "End": True}), "RESERVED_VARIABLE_NAME"
    ),
    "a variable with a dash": Broken(
        machine({"Type": "Pass", "Assign": {"a-b": 1}, "End": True}), "INVALID_VARIABLE_NAME"
    ),
    "a path without its dollar": Broken(
        machine({"Type": "Pass", "InputPath": "a", "End": True}, "JSONPath"),
        "Value must be a valid JSONPath. at /States/It/InputPath",
    ),
    "a payload whose path is text": Broken(
        machine({"Type": "Pass", "Parameters": {"a": {"b.$": "c"}}, "End": True}, "JSONPath"),
        "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call",
    ),
    "a resource that is no ARN": Broken(
        task(Resource="sqs"), "Value is not a valid resource ARN at /States/It/Resource"
    ),
    "no resource": Broken(machine({"Type": "Task", "End": True}), "[Resource] at /States/It"),
    "a callback of a service that has none": Broken(
        task(Resource="arn:aws:states:::dynamodb:updateItem.waitForTaskToken"), "is not recognized. The value is not"
    ),
    "a job of a service that has none": Broken(task(Resource="arn:aws:states:::lambda:invoke.sync"), "not recognized"),
    "an action that is not there": Broken(task(Resource="arn:aws:states:::sqs:sendMesage"), "is not recognized."),
    "nothing to call with": Broken(
        machine({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}),
        "Arguments field is required for resource ARN: arn:aws:states:::sqs:sendMessage at /States/It",
    ),
    "no message": Broken(task(Arguments={"QueueUrl": "u"}), "The field 'MessageBody' is required but was missing"),
    "no API to call": Broken(
        task(Resource="arn:aws:states:::apigateway:invoke", Arguments={"Method": "GET"}),
        "The field 'ApiEndpoint' is required but was missing",
    ),
    "a limit of zero seconds": Broken(task(TimeoutSeconds=0), "Minimum value is 1 at /States/It/TimeoutSeconds"),
    "a limit of four years": Broken(task(TimeoutSeconds=100_000_000), "Maximum value is 99999999"),
    "a limit in words": Broken(task(TimeoutSeconds="60"), "Expected value of type Integer"),
    "a heartbeat as long as the limit": Broken(task(TimeoutSeconds=60, HeartbeatSeconds=60), "'HeartbeatSeconds' must"),
    "two limits": Broken(
        machine({"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z", "End": True}), ONE_OF
    ),
    "no wait in a Wait": Broken(machine({"Type": "Wait", "End": True}), "Timestamp] at /States/It"),
    "retries that grow smaller": Broken(
        task(Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}]),
        "Minimum value is 1 at /States/It/Retry[0]/BackoffRate",
    ),
    "jitter of another kind": Broken(
        task(Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "SOME"}]), "one of the following: [NONE, FULL]"
    ),
    "a retry of nothing": Broken(task(Retry=[{}]), "These fields are required: [ErrorEquals] at /States/It/Retry[0]"),
    "all errors before one": Broken(
        catching(ALL, {**ALL, "ErrorEquals": ["E"]}), "States.ALL must appear alone and at end of list"
    ),
    "all errors and one": Broken(
        catching({**ALL, "ErrorEquals": ["States.ALL", "E"]}), "States.ALL must appear alone and at end of list"
    ),
    "a choice of nothing": Broken(
        machine({"Type": "Choice", "Choices": [], "Default": "D"}, D=DONE), "cannot be empty"
    ),
    "no branches": Broken(machine({"Type": "Parallel", "Branches": [], "End": True}), "empty at /States/It/Branches"),
    "a Map of nothing": Broken(machine({"Type": "Map", "End": True}), "[ItemProcessor, Iterator]"),
    "a distributed Map that does not say of what": Broken(
        each(ItemProcessor={**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}), "[ExecutionType]"
    ),
    "a callback in an Express machine": Broken(
        machine(ASK),
        "Express state machine does not support '.waitForTaskToken' service integration at /States/It/Resource",
        EXPRESS,
    ),
    "a job in an Express machine": Broken(
        task(Resource="arn:aws:states:::states:startExecution.sync:2", Arguments={"StateMachineArn": "m"}),
        "Express state machine does not support '.sync' service integration",
        EXPRESS,
    ),
    "an activity in an Express machine": Broken(
        task(Resource="arn:aws:states:us-east-1:123456789012:activity:a"),
        "Express state machine does not support Activity ARN",
        EXPRESS,
    ),
    "a distributed Map in an Express machine": Broken(
        each(ItemProcessor={**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}),
        "is not supported inside 'EXPRESS' state machines",
        EXPRESS,
    ),
    "a callback in the Express items of a Map": Broken(
        each(
            ItemProcessor={
                "StartAt": "Ask",
                "States": {"Ask": ASK},
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            }
        ),
        "at /States/It/ItemProcessor/States/Ask/Resource",
    ),
}

SOUND: dict[str, Any] = {
    "an earlier state's variable": machine(
        {"Type": "Pass", "Assign": {"rank": 1}, "Next": "Then"},
        Then={"Type": "Pass", "Output": "{% $rank %}", "End": True},
    ),
    "names in a predicate": passing("{% $states.input.items[rank > 3].name %}"),
    "names on items": passing("{% $map($states.input.items, function($each) { $each.rank }) %}"),
    "an update of items": passing("{% $states.input ~> | rows | {'rank': rank * 2} | %}"),
    "a caught error": catching({**ALL, "Output": "{% $states.errorOutput.Error %}"}),
    "what looks like JSONata in a comment": machine({"Type": "Pass", "Comment": "{% a[ %}", "End": True}),
    "what looks like JSONata in JSONPath": machine(
        {"Type": "Pass", "Parameters": {"v": "{% a[ %}"}, "End": True}, "JSONPath"
    ),
    "limits that are computed": task(TimeoutSeconds="{% $states.input.limit %}", HeartbeatSeconds=5),
    "arguments that are computed": task(Arguments="{% $states.input.message %}"),
    "a machine without a limit": {**passing(1), "TimeoutSeconds": 0, "Version": "1.0"},
    "a retry at once": task(Retry=[{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 0, "MaxAttempts": 0}]),
    "paths and functions": machine(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": {"a.$": "States.Array($.a)", "b.$": "$$.Task.Token"}},
            "ResultPath": None,
            "End": True,
        },
        "JSONPath",
    ),
    "a loop within a Map": each(
        ItemProcessor={
            "StartAt": "A",
            "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
        }
    ),
    "what is wrong at run time only": passing("{% 'hello' / 42 %}"),
    "a callback whose token goes nowhere": task(Arguments={"QueueUrl": "u", "MessageBody": "{% $states.input %}"}),
}


def text_of(definition: Any) -> str:
    return definition if isinstance(definition, str) else json.dumps(definition)
