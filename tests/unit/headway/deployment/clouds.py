"""A CloudFormation that works at once, and the services that a deployment asks beside it: they note what is asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from botocore.exceptions import ClientError

from headway.deployment.assembly import Artifact

LOOKED_UP = "AWS::SSM::Parameter::Value<String>"
Template = Mapping[str, Any]
Pages = Callable[..., Iterator[dict[str, Any]]]
NOTHING: Template = MappingProxyType({})


def artifact(folder: Path, name: str, *needs: str, stack_name: str = "", template: Template = NOTHING) -> Artifact:
    """Write a template, without resources unless it says so, and return the stack of it."""
    path = folder / f"{name}.template.json"
    path.write_text(json.dumps({"Resources": {}, **template}))
    return Artifact(name, stack_name or f"stack-{name}", path, folder / f"{name}.assets.json", needs)


@dataclass
class FakeStack:
    """A stack that is there; `parameters` are as they were resolved."""

    template: Template
    parameters: Mapping[str, str]
    status: str


@dataclass
class FakeCloudFormation:
    """Its `stacks` by name, and the `values` of SSM parameters. `meanwhile` is called while a stack is made; those of
    `failing` do not come up, those of `immortal` do not go.
    """

    values: dict[str, str] = field(default_factory=dict)
    stacks: dict[str, FakeStack] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    immortal: set[str] = field(default_factory=set)
    meanwhile: Callable[[str], None] = lambda _: None
    told: list[str] = field(default_factory=list)
    page_size: int = 2

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName not in self.stacks:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        return {"Stacks": [self._described(StackName)]}

    def create_stack(self, **request: Any) -> None:
        assert request["StackName"] not in self.stacks, "AWS refuses a name that is taken"
        self._make("create", "CREATE_COMPLETE", request)

    def update_stack(self, **request: Any) -> None:
        there = self.stacks[request["StackName"]]
        if (there.template, there.parameters) == self._resolved(request):
            message = "No updates are to be performed."
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")
        self._make("update", "UPDATE_COMPLETE", request)

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        self.told.append(f"delete {StackName}")
        if StackName in self.immortal:
            self.stacks[StackName].status = "DELETE_FAILED"
        else:
            self.stacks.pop(StackName, None)

    def get_paginator(self, name: str) -> "FakePages":
        pages: dict[str, Pages] = {"describe_stacks": self._pages, "describe_stack_events": self._events}
        return FakePages(pages[name])

    def _make(self, verb: str, done: str, request: Mapping[str, Any]) -> None:
        name = request["StackName"]
        self.told.append(f"{verb} {name}")
        self.meanwhile(name)
        status = "ROLLBACK_COMPLETE" if name in self.failing else done
        self.stacks[name] = FakeStack(*self._resolved(request), status)
        self.told.append(f"{name} is {status}")

    def _resolved(self, request: Mapping[str, Any]) -> tuple[Template, Mapping[str, str]]:
        """Return the template of a request and its parameters, those that look up as what they find now."""
        template = json.loads(request["TemplateBody"])
        given = {one["ParameterKey"]: one["ParameterValue"] for one in request["Parameters"]}
        declared = template.get("Parameters", {})
        looked_up = {name: one["Default"] for name, one in declared.items() if one["Type"] == LOOKED_UP}
        return template, {**given, **{name: self.values[place] for name, place in looked_up.items()}}

    def _described(self, name: str) -> dict[str, Any]:
        return {"StackName": name, "StackStatus": self.stacks[name].status}

    def _pages(self) -> Iterator[dict[str, Any]]:
        names = list(self.stacks)
        for start in range(0, len(names), self.page_size):
            yield {"Stacks": [self._described(name) for name in names[start : start + self.page_size]]}

    def _events(self, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        failed = self.stacks[StackName].status in ("ROLLBACK_COMPLETE", "DELETE_FAILED")
        event = {
            "EventId": f"{StackName}-{len(self.told)}",
            "StackId": "arn:stack",
            "LogicalResourceId": "Queue",
            "ResourceType": "AWS::SQS::Queue",
            "ResourceStatus": "CREATE_FAILED" if failed else "CREATE_COMPLETE",
            "ResourceStatusReason": "no such attribute",
        }
        yield {"StackEvents": [event]}


@dataclass(frozen=True)
class FakePages:
    """A paginator."""

    pages: Pages

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        return self.pages(**request)


@dataclass
class FakeService:
    """A service that answers anything with `answer`; `told` are the operations with what they were given."""

    answer: Mapping[str, Any] = field(default_factory=dict)
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., Mapping[str, Any]]:
        def called(**given: Any) -> Mapping[str, Any]:
            self.told.append((operation, given))
            return self.answer

        return called

    def of(self, operation: str) -> list[Mapping[str, Any]]:
        """Return what an operation was given, each time."""
        return [given for name, given in self.told if name == operation]


class FakeTarget:
    """The way to a cloud whose CloudFormation is `cloudformation`, and where all else is a FakeService."""

    region = "us-east-1"
    endpoint_url = "http://127.0.0.1:4566"

    def __init__(self, cloudformation: FakeCloudFormation) -> None:
        self.cloudformation = cloudformation
        self.services: dict[str, FakeService] = {"sts": FakeService({"Account": "000000000000"})}

    def client(self, name: str) -> Any:
        return self.cloudformation if name == "cloudformation" else self.services.setdefault(name, FakeService())


def meeting(*names: str, patience_s: float = 10) -> Callable[[str], None]:
    """Return a `meanwhile` that lets stacks of these names go on only once all of them are being made."""
    barrier = threading.Barrier(len(names))

    def meet(name: str) -> None:
        if name in names:
            barrier.wait(patience_s)

    return meet


def made(told: Sequence[str]) -> list[str]:
    """Return the stacks that were created or updated, in that order."""
    return [line.partition(" ")[2] for line in told if line.startswith(("create ", "update "))]
