"""What change sets say, resource by resource."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

from headway.deployment.changes import Effect, Recreation, StackChange, created, removed, updated

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ResourceChangeTypeDef

STACK = "Headway-dev-acme-lane"
QUEUE = "AWS::SQS::Queue"
EMPTY: Mapping[str, Any] = {"Resources": {}}


def detail(name: str, recreation: str = "Never", cause: str = "", evaluation: str = "Static") -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    source = "ResourceAttribute" if "." in cause else "ResourceReference" if cause else "DirectModification"
    return {"Target": target, "Evaluation": evaluation, "ChangeSource": source} | (
        {"CausingEntity": cause} if cause else {}
    )


def change(action: str, logical_id: str = "Queue", **more: Any) -> "ResourceChangeTypeDef":
    told = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": QUEUE, **more}
    return cast("ResourceChangeTypeDef", told)


def modified(
    *details: dict[str, Any], logical_id: str = "Queue", replacement: str = "False", **more: str
) -> "ResourceChangeTypeDef":
    scope = sorted({one["Target"]["Attribute"] for one in details})
    return change("Modify", logical_id, Replacement=replacement, Scope=scope, Details=list(details), **more)


def effects(stack: StackChange) -> dict[str, Effect]:
    return {resource.logical_id: resource.effect for resource in stack.resources}


@pytest.mark.parametrize(
    ("told", "effect"),
    [
        (change("Add"), Effect.CREATE),
        (change("Import"), Effect.CREATE),
        (change("Remove"), Effect.REMOVE),
        (change("Dynamic"), Effect.MAY_REPLACE),
        (modified(detail("QueueName", "Always"), replacement="True"), Effect.REPLACE),
        (modified(detail("QueueName", "Always", "Other", "Dynamic"), replacement="Conditional"), Effect.MAY_REPLACE),
        (modified(detail("DelaySeconds")), Effect.UPDATE),
        (modified(detail("Policy", cause="Other.Arn", evaluation="Dynamic")), Effect.MAY_UPDATE),
    ],
)
def test_on_aws_the_words_of_the_change_set_count(told: "ResourceChangeTypeDef", effect: Effect) -> None:
    assert effects(updated(STACK, [told], EMPTY, EMPTY, {})) == {"Queue": effect}


@pytest.mark.parametrize(
    "told",
    [
        modified({"Target": {"Attribute": "Metadata", "RequiresRecreation": "Never"}, "Evaluation": "Static"}),
        change("Add", ResourceType="AWS::CDK::Metadata"),
        change("Remove", ResourceType="AWS::CDK::Metadata"),
        change("SyncWithActual"),
    ],
)
def test_what_only_describes_a_stack_is_no_change(told: "ResourceChangeTypeDef") -> None:
    """`cdk deploy` writes paths and a resource for its own statistics, which `headway synth` does not."""
    assert updated(STACK, [told], EMPTY, EMPTY, {}) == StackChange(STACK, Effect.UNCHANGED)


def test_a_change_names_each_property_once_and_the_place_in_the_code() -> None:
    told = modified(detail("Policy"), detail("Policy", cause="Role.Arn"), detail("Tags"))
    [found] = updated(STACK, [told], EMPTY, EMPTY, {"Queue": f"/{STACK}/Lane/Requests/Resource"}).resources
    assert (found.path, found.because) == ("Lane/Requests", ("Policy", "Tags"))


def test_what_was_deployed_by_cdk_is_named_by_the_path_in_its_template() -> None:
    there = {"Resources": {"Queue": {"Type": QUEUE, "Metadata": {"aws:cdk:path": f"{STACK}/Lane/Old/Resource"}}}}
    [found] = updated(STACK, [change("Remove")], there, EMPTY, {}).resources
    assert found.path == "Lane/Old"


def test_what_no_template_names_is_named_by_its_logical_id() -> None:
    [found] = updated(STACK, [change("Remove")], EMPTY, EMPTY, {}).resources
    assert found.path == "Queue"


@pytest.mark.parametrize(
    ("told", "there", "wanted", "is_retained"),
    [
        (change("Remove", PolicyAction="Retain"), {}, {}, True),
        (change("Remove", PolicyAction="Delete"), {"DeletionPolicy": "Retain"}, {}, False),
        (change("Remove"), {"DeletionPolicy": "Retain"}, {}, True),
        (change("Remove"), {"UpdateReplacePolicy": "Retain"}, {}, False),
        (modified(replacement="True"), {}, {"UpdateReplacePolicy": "Retain"}, True),
        (modified(replacement="True"), {}, {"DeletionPolicy": "Retain"}, False),
        (change("Modify", Replacement="True", PolicyAction="ReplaceAndRetain"), {}, {}, True),
        (change("Modify", Replacement="True", PolicyAction="ReplaceAndDelete"), {}, {}, False),
        (modified(detail("DelaySeconds")), {"DeletionPolicy": "Retain"}, {"UpdateReplacePolicy": "Retain"}, False),
    ],
)
def test_what_stays_in_the_account_is_told(
    told: "ResourceChangeTypeDef", there: dict[str, str], wanted: dict[str, str], is_retained: bool
) -> None:
    before, after = ({"Resources": {"Queue": {"Type": QUEUE, **policies}}} for policies in (there, wanted))
    [found] = updated(STACK, [told], before, after, {}).resources
    assert found.is_retained is is_retained


def test_other_outputs_alone_are_a_change_that_no_resource_shows() -> None:
    found = updated(STACK, [], EMPTY, {**EMPTY, "Outputs": {"Url": {"Value": "x"}}}, {})
    assert (found.effect, found.resources, found.note) == (Effect.UPDATE, (), "only its outputs")


def by_table(resource_type: str, name: str) -> Recreation | None:
    """A schema in which a queue's name is fixed, its version in a part, and nothing else is known to be."""
    known = {"QueueName": Recreation.ALWAYS, "Version": Recreation.CONDITIONALLY}
    return known.get(name, Recreation.NEVER) if resource_type == QUEUE else None


@pytest.mark.parametrize(
    ("details", "effect"),
    [
        ([detail("DelaySeconds", "Conditionally")], Effect.UPDATE),
        ([detail("QueueName", "Conditionally")], Effect.REPLACE),
        ([detail("Version", "Never")], Effect.MAY_REPLACE),
        ([detail("DelaySeconds", "Conditionally"), detail("QueueName", "Never")], Effect.REPLACE),
    ],
)
def test_where_an_emulator_does_not_know_the_schema_says_what_is_replaced(
    details: list[dict[str, Any]], effect: Effect
) -> None:
    told = modified(*details, replacement="Conditional")
    assert effects(updated(STACK, [told], EMPTY, EMPTY, {}, by_table)) == {"Queue": effect}


def test_without_a_schema_the_emulators_word_counts() -> None:
    told = modified(detail("Any", "Conditionally"), replacement="Conditional", ResourceType="Custom::Thing")
    assert effects(updated(STACK, [told], EMPTY, EMPTY, {}, by_table)) == {"Queue": Effect.MAY_REPLACE}


def test_what_refers_to_a_replaced_resource_changes_with_it_and_so_on() -> None:
    told = [
        modified(detail("QueueName", "Conditionally", "Second", "Dynamic"), logical_id="Third"),
        modified(detail("QueueName", "Conditionally", "First", "Dynamic"), logical_id="Second"),
        modified(detail("QueueName", "Conditionally"), logical_id="First"),
        modified(detail("Policy", "Conditionally", "Third.Arn", "Dynamic"), logical_id="Reader"),
    ]
    assert effects(updated(STACK, told, EMPTY, EMPTY, {}, by_table)) == {
        "First": Effect.REPLACE,
        "Second": Effect.REPLACE,
        "Third": Effect.REPLACE,
        "Reader": Effect.UPDATE,
    }


def test_a_resource_that_is_only_updated_keeps_the_id_and_the_arn_that_others_refer_to() -> None:
    told = [
        modified(detail("DelaySeconds"), logical_id="Cause"),
        modified(detail("QueueName", "Conditionally", "Cause.Arn", "Dynamic"), logical_id="ByArn"),
        modified(detail("QueueName", "Conditionally", "Cause", "Dynamic"), logical_id="ById"),
        modified(detail("QueueName", "Conditionally", "Cause.Version", "Dynamic"), logical_id="ByVersion"),
    ]
    assert effects(updated(STACK, told, EMPTY, EMPTY, {}, by_table)) == {
        "Cause": Effect.UPDATE,
        "ByVersion": Effect.MAY_REPLACE,
    }


def test_all_of_a_new_stack_is_created_and_a_condition_is_said() -> None:
    template = {
        "Resources": {
            "Queue": {"Type": QUEUE},
            "Perhaps": {"Type": QUEUE, "Condition": "IsLarge"},
            "CDKMetadata": {"Type": "AWS::CDK::Metadata"},
        }
    }
    found = created(STACK, template, {"Queue": f"/{STACK}/Lane/Requests/Resource"})
    assert found.is_change
    assert [(one.path, one.effect, one.because) for one in found.resources] == [
        ("Lane/Requests", Effect.CREATE, ()),
        ("Perhaps", Effect.CREATE, ("if IsLarge",)),
    ]


def test_a_stack_that_goes_tells_what_of_it_stays() -> None:
    there = {"Resources": {"Queue": {"Type": QUEUE}, "Kept": {"Type": QUEUE, "DeletionPolicy": "Retain"}}}
    listed: Any = [{"LogicalResourceId": name, "ResourceType": QUEUE} for name in ("Queue", "Kept")]
    found = removed(STACK, there, listed)
    assert [(one.logical_id, one.effect, one.is_retained) for one in found.resources] == [
        ("Queue", Effect.REMOVE, False),
        ("Kept", Effect.REMOVE, True),
    ]


def test_a_stack_that_is_left_is_no_change() -> None:
    assert not StackChange(STACK, Effect.LEFT).is_change
    assert not StackChange(STACK, Effect.UNCHANGED).is_change
