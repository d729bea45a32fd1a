"""Definitions at creation: what AWS refuses is refused by name and place, and what it takes is taken."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Clouds
from tests.cloud.definitions import BROKEN, CASES, SOUND, Broken, passing, text_of
from tests.cloud.roles import ANY_ROLE_ARN

NAME = "definition"
CASES_BY_NAME = {case["name"]: case for case in json.loads(CASES.read_text())}


@pytest.fixture
def create(clouds: Clouds) -> Iterator[Callable[..., str]]:
    """Create a machine on the strict cloud; it is gone afterwards."""
    sfn = clouds.strict.client("stepfunctions")
    made: list[str] = []

    def create(definition: Any, kind: str = "STANDARD", role_arn: str = ANY_ROLE_ARN) -> str:
        text = text_of(definition)
        made.append(
            sfn.create_state_machine(name=NAME, definition=text, roleArn=role_arn, type=kind)["stateMachineArn"]
        )
        return made[-1]

    yield create
    for arn in made:
        sfn.delete_state_machine(stateMachineArn=arn)


def refusal(of: Callable[[], Any]) -> tuple[str, str]:
    """Return code and message of what has to be refused."""
    with pytest.raises(ClientError) as refused:
        of()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_aws_makes_no_machine_of(broken: Broken, create: Callable[..., str]) -> None:
    code, message = refusal(lambda: create(broken.definition, broken.kind))
    assert code == "InvalidDefinition"
    assert message.startswith("Invalid State Machine Definition: '")
    assert broken.words in message


@pytest.mark.parametrize("definition", SOUND.values(), ids=SOUND)
def test_aws_makes_a_machine_of(definition: Any, create: Callable[..., str]) -> None:
    assert create(definition).endswith(f":{NAME}")


@pytest.mark.parametrize("case", CASES_BY_NAME.values(), ids=CASES_BY_NAME)
def test_what_somebody_met_is_refused_where_aws_refuses_it(case: Any, create: Callable[..., str]) -> None:
    if case["at_creation"] == "accepted":
        create(case["definition"])
    else:
        assert refusal(lambda: create(case["definition"]))[0] == "InvalidDefinition"


def test_a_lenient_cloud_takes_nearly_all_of_them(clouds: Clouds) -> None:
    sfn = clouds.lenient.client("stepfunctions")
    refused = set()
    for name, broken in BROKEN.items():
        text = text_of(broken.definition)
        try:
            made = sfn.create_state_machine(name=NAME, definition=text, roleArn=ANY_ROLE_ARN, type=broken.kind)
            sfn.delete_state_machine(stateMachineArn=made["stateMachineArn"])
        except ClientError:
            refused.add(name)
    assert refused == {"JSONata that does not parse", "JSONata without a word"}


def test_an_update_is_refused_too_and_changes_nothing(clouds: Clouds, create: Callable[..., str]) -> None:
    sfn = clouds.strict.client("stepfunctions")
    arn = create(passing(1))
    broken = text_of(passing("{% phone %}"))
    assert refusal(lambda: sfn.update_state_machine(stateMachineArn=arn, definition=broken))[0] == "InvalidDefinition"
    assert sfn.describe_state_machine(stateMachineArn=arn)["definition"] == text_of(passing(1))


def test_an_express_machine_stays_one_when_it_is_updated(clouds: Clouds, create: Callable[..., str]) -> None:
    sfn = clouds.strict.client("stepfunctions")
    arn = create(passing(1), "EXPRESS")
    broken = BROKEN["a callback in an Express machine"]
    code, message = refusal(
        lambda: sfn.update_state_machine(stateMachineArn=arn, definition=text_of(broken.definition))
    )
    assert (code, broken.words in message) == ("InvalidDefinition", True)


@pytest.mark.parametrize(
    "role_arn", ["machine", "arn:aws:iam::12:role/machine", "arn:aws:sqs:us-east-1:000000000000:q"]
)
def test_what_is_no_role_is_refused(role_arn: str, create: Callable[..., str]) -> None:
    assert refusal(lambda: create(passing(1), role_arn=role_arn)) == ("InvalidArn", f"Invalid Role Arn: '{role_arn}'")


def test_a_definition_has_a_million_characters_at_most(create: Callable[..., str]) -> None:
    def of_length(length: int) -> str:
        return text_of(passing("x" * (length - len(text_of(passing(""))))))

    create(of_length(1_048_576))
    code, message = refusal(lambda: create(of_length(1_048_577)))
    assert (code, "less than or equal to 1048576" in message) == ("ValidationException", True)


def test_the_validation_says_the_same_and_makes_nothing(clouds: Clouds) -> None:
    sfn = clouds.strict.client("stepfunctions")
    broken = text_of(passing({"a": "{% one + two %}"}))
    answer = sfn.validate_state_machine_definition(definition=broken, maxResults=1)
    assert answer["result"] == "FAIL"
    assert answer["truncated"]
    assert answer["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "UNSUPPORTED_JSONATA_EXPRESSION",
            "message": "Reference to 'one' at the top level is not supported.",
            "location": "/States/It/Output/a",
        }
    ]
    assert sfn.validate_state_machine_definition(definition=text_of(passing(1)))["result"] == "OK"


def test_a_stack_with_a_machine_that_aws_refuses_fails_with_its_message(clouds: Clouds) -> None:
    assert "Reference to 'phone' at the top level is not supported. at /States/It/Output" in stack_reasons(
        clouds.strict
    )
    assert stack_reasons(clouds.lenient) == ""


def stack_reasons(target: Any) -> str:
    """Create a stack with a broken machine and return why it failed, or nothing if it did not."""
    cloudformation = target.client("cloudformation")
    properties = {
        "RoleArn": ANY_ROLE_ARN,
        "DefinitionString": text_of(passing("{% phone %}")),
        "StateMachineName": "one",
    }
    template = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    cloudformation.create_stack(StackName="broken", TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")
    try:
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.config.delay, waiter.config.max_attempts = 0.1, 50
        waiter.wait(StackName="broken")
    except Exception:
        events = cloudformation.describe_stack_events(StackName="broken")["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)
    finally:
        cloudformation.delete_stack(StackName="broken")
    return ""
