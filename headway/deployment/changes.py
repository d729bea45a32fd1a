"""What a deployment would do, read out of what CloudFormation says: change sets and templates. Nothing is asked here.

In: the `Changes` of a change set, the template that is there and the one that would be. Out: a StackChange, resource by
resource. `deployment.difference` asks; `deployment.replacement` knows what the embedded cloud does not tell.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import (
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
        StackResourceSummaryTypeDef,
    )

Template = Mapping[str, Any]


class Effect(StrEnum):
    """What happens to a stack or a resource, from the least to the most."""

    UNCHANGED = "unchanged"
    LEFT = "left as it is"
    """Of a stack that is in no template any more, where a deployment removes nothing."""
    MAY_UPDATE = "may update"
    """A reference to something that changes; whether its value does is known only then."""
    UPDATE = "update"
    CREATE = "create"
    MAY_REPLACE = "may replace"
    REPLACE = "replace"
    REMOVE = "remove"


class Recreation(StrEnum):
    """Whether a change of a property makes another resource, in CloudFormation's words."""

    NEVER = "Never"
    CONDITIONALLY = "Conditionally"
    ALWAYS = "Always"


RecreationOf = Callable[[str, str], Recreation | None]
"""From a resource's type and the name of a property; None where it is not known."""

_WEIGHT: Final = {effect: weight for weight, effect in enumerate(Effect)}
_KEPT: Final = frozenset({"Retain", "RetainExceptOnCreate"})
_DESCRIBING: Final = "Metadata"
"""The attribute of a resource that only describes it. `cdk` writes paths there where it is asked through its command
line, and its App run by itself does not."""
_CDK_OWN: Final = "AWS::CDK::Metadata"
"""A resource that stands for nothing: `cdk deploy` adds it to count versions of constructs."""
_CERTAIN: Final = frozenset({"DirectModification", "ParameterReference"})


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource; `because` names the properties or attributes that change.

    `is_retained`: what is replaced or removed stays in the account, with all that it holds, and belongs to no stack.
    """

    logical_id: str
    path: str
    type: str
    effect: Effect
    because: tuple[str, ...] = ()
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class StackChange:
    """What happens to one stack; `after` names stacks that change before it and whose parameters it reads again."""

    name: str
    effect: Effect
    resources: tuple[ResourceChange, ...] = ()
    note: str = ""
    after: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether a deployment would do something here."""
        return self.effect not in {Effect.UNCHANGED, Effect.LEFT}

    def count(self, effect: Effect) -> int:
        """Return how many resources have an effect."""
        return sum(resource.effect is effect for resource in self.resources)


def created(name: str, template: Template, paths: Mapping[str, str], note: str = "") -> StackChange:
    """Return the change of a stack that is not there: all that its template has, and of CDK's own nothing.

    A resource under a condition is counted, with the condition as the reason.
    """
    resources = tuple(
        ResourceChange(
            logical_id,
            _path(name, logical_id, resource, paths),
            resource["Type"],
            Effect.CREATE,
            because=(f"if {resource['Condition']}",) if "Condition" in resource else (),
        )
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] != _CDK_OWN
    )
    return StackChange(name, Effect.CREATE, resources, note)


def removed(name: str, there: Template, listed: "Iterable[StackResourceSummaryTypeDef]", note: str = "") -> StackChange:
    """Return the change of a stack that goes, from the resources that it has and the template that made them."""
    declared = there["Resources"]
    resources = tuple(
        ResourceChange(
            one["LogicalResourceId"],
            _path(name, one["LogicalResourceId"], declared.get(one["LogicalResourceId"], {}), {}),
            one["ResourceType"],
            Effect.REMOVE,
            is_retained=declared.get(one["LogicalResourceId"], {}).get("DeletionPolicy") in _KEPT,
        )
        for one in listed
    )
    return StackChange(name, Effect.REMOVE, resources, note)


def updated(
    name: str,
    told: "Sequence[ResourceChangeTypeDef]",
    there: Template,
    wanted: Template,
    paths: Mapping[str, str],
    recreation_of: RecreationOf | None = None,
) -> StackChange:
    """Return the change of a stack that is there, from what its change set tells.

    `recreation_of` judges instead of the change set whether properties make another resource: for a cloud whose change
    sets do not know every type.
    """
    told = [change for change in told if change["ResourceType"] != _CDK_OWN]
    effects = _judged(told, recreation_of) if recreation_of else {_id(one): _as_told(one) for one in told}
    resources = tuple(
        ResourceChange(
            _id(change),
            _path(name, _id(change), {**_in(there, change), **_in(wanted, change)}, paths),
            change["ResourceType"],
            effects[_id(change)],
            _because(change),
            _is_retained(change, effects[_id(change)], there, wanted),
        )
        for change in told
        if effects[_id(change)] is not Effect.UNCHANGED
    )
    # An emulator may pass over outputs; on AWS such a change set has no changes either.
    has_other_outputs = there.get("Outputs", {}) != wanted.get("Outputs", {})
    if resources or has_other_outputs:
        return StackChange(name, Effect.UPDATE, resources, "" if resources else "only its outputs")
    return StackChange(name, Effect.UNCHANGED)


def _as_told(change: "ResourceChangeTypeDef") -> Effect:
    """Return the effect in the change set's own words."""
    match change["Action"], change.get("Replacement"):
        case "Add" | "Import", _:
            return Effect.CREATE
        case "Remove", _:
            return Effect.REMOVE
        case "Dynamic", _:
            return Effect.MAY_REPLACE
        case "Modify", "True":
            return Effect.REPLACE
        case "Modify", "Conditional":
            return Effect.MAY_REPLACE
        case "Modify", _:
            return _least(change)
    return Effect.UNCHANGED  # SyncWithActual: the resource itself is not touched


def _least(change: "ResourceChangeTypeDef") -> Effect:
    """Return what a change is that replaces nothing."""
    details = _details(change)
    if not details:
        only_describes = set(change.get("Scope", [])) == {_DESCRIBING}
        return Effect.UNCHANGED if only_describes else Effect.UPDATE
    return Effect.UPDATE if any(detail.get("Evaluation") != "Dynamic" for detail in details) else Effect.MAY_UPDATE


def _judged(told: "Sequence[ResourceChangeTypeDef]", recreation_of: RecreationOf) -> dict[str, Effect]:
    """Return effects with a judgement of our own; what refers to a replaced resource is looked at again."""
    effects = {_id(change): _as_told(change) for change in told}
    modified = [change for change in told if change["Action"] == "Modify" and _details(change)]
    effects |= {_id(change): Effect.UNCHANGED for change in modified}
    while True:
        found = {_id(change): _judge(change, effects, recreation_of) for change in modified}
        if all(effects[logical_id] is effect for logical_id, effect in found.items()):
            return effects
        # It ends: from nothing at all, effects only grow from one turn to the next.
        effects |= found


def _judge(change: "ResourceChangeTypeDef", effects: Mapping[str, Effect], recreation_of: RecreationOf) -> Effect:
    found = [Effect.REPLACE if change.get("Replacement") == "True" else Effect.UNCHANGED]
    for detail in _details(change):
        target = detail.get("Target", {})
        recreation = recreation_of(change["ResourceType"], target.get("Name", "")) if target.get("Name") else None
        recreation = recreation or Recreation(target.get("RequiresRecreation") or Recreation.NEVER)
        certainty = _certainty(detail, effects)
        if certainty is None:
            continue
        if recreation is Recreation.NEVER:
            found.append(Effect.UPDATE if certainty else Effect.MAY_UPDATE)
        else:
            is_certain = certainty and recreation is Recreation.ALWAYS
            found.append(Effect.REPLACE if is_certain else Effect.MAY_REPLACE)
    return max(found, key=_WEIGHT.__getitem__)


def _certainty(detail: "ResourceChangeDetailTypeDef", effects: Mapping[str, Effect]) -> bool | None:
    """Return whether a property gets another value for certain; None where it keeps the one it has."""
    cause, _, attribute = detail.get("CausingEntity", "").partition(".")
    if detail.get("ChangeSource") in _CERTAIN or cause not in effects:
        return True
    effect = effects[cause]
    if effect in {Effect.REPLACE, Effect.CREATE}:
        return True
    if effect is Effect.MAY_REPLACE:
        return False
    # An updated resource keeps its ID and its ARN.
    return None if attribute in {"", "Arn"} or effect is Effect.UNCHANGED else False


def _details(change: "ResourceChangeTypeDef") -> "Sequence[ResourceChangeDetailTypeDef]":
    """Return the details of a change without those that only describe the resource."""
    return [one for one in change.get("Details", []) if one.get("Target", {}).get("Attribute") != _DESCRIBING]


def _because(change: "ResourceChangeTypeDef") -> tuple[str, ...]:
    """Name what changes, each once, in the order of the change set."""
    targets = [detail.get("Target", {}) for detail in _details(change)]
    names = [target.get("Name") or target.get("Attribute", "") for target in targets]
    return tuple(dict.fromkeys(name for name in names if name))


def _is_retained(change: "ResourceChangeTypeDef", effect: Effect, there: Template, wanted: Template) -> bool:
    """Return whether what is replaced or removed stays in the account."""
    if action := change.get("PolicyAction"):
        return action.endswith("Retain")
    if effect is Effect.REMOVE:
        return _in(there, change).get("DeletionPolicy") in _KEPT
    if effect in {Effect.REPLACE, Effect.MAY_REPLACE}:
        return _in(wanted, change).get("UpdateReplacePolicy") in _KEPT
    return False


def _id(change: "ResourceChangeTypeDef") -> str:
    return change["LogicalResourceId"]


def _in(template: Template, change: "ResourceChangeTypeDef") -> Mapping[str, Any]:
    resource: Mapping[str, Any] = template["Resources"].get(_id(change), {})
    return resource


def _path(stack: str, logical_id: str, resource: Mapping[str, Any], paths: Mapping[str, str]) -> str:
    """Return where a resource stands among the constructs of its stack; its logical ID where nothing says so."""
    path = paths.get(logical_id) or resource.get("Metadata", {}).get("aws:cdk:path", logical_id)
    return str(path).removeprefix("/").removeprefix(f"{stack}/").removesuffix("/Resource")
