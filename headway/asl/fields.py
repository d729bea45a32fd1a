"""What Amazon States Language has where: fields, ranges and integrations, as tables.

As AWS answers it, from two who put it to `ValidateStateMachineDefinition` (docs/aws.md says who). Packages have this
too, but statelint refuses what AWS takes (JSONata in `Seconds`, `ReaderConfig.InputType`), and cfn-lint's schema of
state machines misses most of what AWS refuses; neither says it as AWS does.
"""

from collections.abc import Collection, Mapping
from typing import Final

JSONPATH: Final = "JSONPath"
JSONATA: Final = "JSONata"

EVERYWHERE: Final = frozenset({"Type", "Comment", "QueryLanguage"})
_INPUT_AND_OUTPUT: Final = {"InputPath", "OutputPath", "Output"}
_LEAVING: Final = {"Assign", "Next", "End"}
_CAUGHT: Final = {"Retry", "Catch", "ResultPath", "ResultSelector", "Parameters"}

FIELDS: Final = {
    "Task": _INPUT_AND_OUTPUT
    | _LEAVING
    | _CAUGHT
    | {"Arguments", "Resource", "Credentials"}
    | {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"},
    "Wait": _INPUT_AND_OUTPUT | _LEAVING | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Pass": _INPUT_AND_OUTPUT | _LEAVING | {"Result", "ResultPath", "Parameters"},
    "Succeed": _INPUT_AND_OUTPUT,
    "Fail": {"Error", "ErrorPath", "Cause", "CausePath"},
    "Choice": _INPUT_AND_OUTPUT | {"Assign", "Choices", "Default"},
    "Parallel": _INPUT_AND_OUTPUT | _LEAVING | _CAUGHT | {"Arguments", "Branches"},
    "Map": _INPUT_AND_OUTPUT
    | _LEAVING
    | _CAUGHT
    | {"Items", "ItemsPath", "ItemSelector", "ItemProcessor", "Iterator", "ItemReader", "ItemBatcher", "ResultWriter"}
    | {"MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailureCount", "ToleratedFailureCountPath"}
    | {"ToleratedFailurePercentage", "ToleratedFailurePercentagePath", "Label"},
}
"""Fields of each type of state beside EVERYWHERE; the types in the order in which AWS lists them."""

MACHINE_FIELDS: Final = frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"})
BRANCH_FIELDS: Final = frozenset({"Comment", "StartAt", "States", "ProcessorConfig"})

ONLY_IN: Final = {
    JSONATA: ("Arguments", "Output", "Items"),
    JSONPATH: (
        *("InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Result", "ItemsPath"),
        *("TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath", "TimestampPath", "MaxConcurrencyPath"),
        *("ToleratedFailurePercentagePath", "ToleratedFailureCountPath", "ErrorPath", "CausePath"),
    ),
}
"""Query language -> fields that the other one has not."""

EXCLUSIVE: Final = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("SecondsPath", "Seconds", "TimestampPath", "Timestamp"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("ItemProcessor", "Iterator"),
    ("Next", "End"),
)
"""Groups of fields of which a state has one at most."""

ONE_OF: Final = {
    "Task": (("Next", "End"),),
    "Pass": (("Next", "End"),),
    "Wait": (("SecondsPath", "Seconds", "TimestampPath", "Timestamp"), ("Next", "End")),
    "Parallel": (("Next", "End"),),
    "Map": (("ItemProcessor", "Iterator"), ("Next", "End")),
}
"""Type of state -> groups of fields of which it needs one."""

REQUIRED: Final = {"Task": "Resource", "Choice": "Choices", "Parallel": "Branches"}

WHOLE_NUMBERS: Final = {
    "TimeoutSeconds": (1, 99_999_999),
    "HeartbeatSeconds": (1, 99_999_999),
    "Seconds": (0, 99_999_999),
    "MaxConcurrency": (0, None),
    "ToleratedFailureCount": (0, None),
    "ToleratedFailurePercentage": (0, 100),
}
RETRY_NUMBERS: Final = {
    "IntervalSeconds": (0, 99_999_999),
    "MaxAttempts": (0, 99_999_999),
    "BackoffRate": (1, None),
    "MaxDelaySeconds": (1, 31_622_400),
}
"""Field -> least and greatest value. AWS takes an interval of 0, although its guide says positive."""

RETRY_FIELDS: Final = frozenset({*RETRY_NUMBERS, "ErrorEquals", "JitterStrategy", "Comment"})
CATCH_FIELDS: Final = frozenset({"ErrorEquals", "Next", "ResultPath", "Output", "Assign", "Comment"})

EXPRESSIONS: Final = (
    *("Arguments", "Output", "Assign", "Items", "ItemSelector", "ItemBatcher", "Credentials", "TimeoutSeconds"),
    *("HeartbeatSeconds", "Seconds", "Timestamp", "Error", "Cause", "MaxConcurrency", "ToleratedFailureCount"),
    "ToleratedFailurePercentage",
)
"""Fields of a JSONata state in which AWS reads `{% %}`, at any depth. In Comment, Next and ErrorEquals it is text."""

PAYLOADS: Final = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
"""Fields of a JSONPath state whose keys may end with `.$`."""

INTEGRATIONS: Final[Mapping[str, Mapping[str, Collection[str]]]] = {
    "lambda": {"invoke": {"waitForTaskToken"}},
    "sqs": {"sendMessage": {"waitForTaskToken"}},
    "sns": {"publish": {"waitForTaskToken"}},
    "dynamodb": {"getItem": set(), "putItem": set(), "updateItem": set(), "deleteItem": set()},
    "states": {"startExecution": {"sync", "sync:2", "waitForTaskToken"}},
    "events": {"putEvents": {"waitForTaskToken"}},
    "apigateway": {"invoke": {"waitForTaskToken"}},
    "http": {"invoke": set()},
}
"""Service -> action -> patterns beside request and response, of the services that go with Headway; others are not
judged. From "Optimizing integrations", docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html."""

NEEDED_ARGUMENTS: Final = {
    "lambda:invoke": ("FunctionName",),
    "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    "sns:publish": ("Message",),
    "dynamodb:putItem": ("TableName", "Item"),
    "dynamodb:getItem": ("TableName", "Key"),
    "states:startExecution": ("StateMachineArn",),
    "events:putEvents": ("Entries",),
    "apigateway:invoke": ("ApiEndpoint", "Method"),
}

STATE_NAME_CHARACTERS: Final = 80
