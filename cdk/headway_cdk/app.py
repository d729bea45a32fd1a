"""The CDK app of a project: the stacks of a stage. A project's `cdk/app.py` makes one and synthesizes it.

Run as a module it is the app of a bare configuration, which `variables.CONFIGURATION_VARIABLE` names.
"""

import os
import sys
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from aws_cdk import App, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from headway_cdk import bundle
from headway_cdk.configuration import ConfigurationError, load_vendors
from headway_cdk.constructs.given_resources import GivenResource, publish_resource, value_of
from headway_cdk.definitions import UnboundPlaceholder
from headway_cdk.project import FILE, Project, bare, find
from headway_cdk.stacks import BaseStack, LaneStack, ResourcesStack, StateStack, TablesStack, WorkflowsStack
from headway_cdk.variables import CONFIGURATION_VARIABLE, STAGE_VARIABLE


class ProjectApp:
    """The stacks of a project's stage; `app` and `workflows` take what is the project's own on top. What machines are
    to name of it is made in `resources`, or in a stack that needs none of these, and is given by `give`.

    What a person can correct ends the process with one line and exit code 2; what the security rules find, with 1.
    """

    def __init__(self, project: Project | None = None, code: Path | None = None) -> None:
        self.app = App()
        self.workflows: WorkflowsStack | None = None
        self._given: set[str] = set()
        try:
            self.project = project or _wanted()
            self._draw(self.project, code or bundle.built())
        except (ConfigurationError, bundle.BundleError, UnboundPlaceholder) as error:
            _end(str(error), 2)

    @cached_property
    def resources(self) -> ResourcesStack:
        """The stack for what machines are to name; there is one where something is made in it."""
        return ResourcesStack(self.app, project=self.project)

    def give(self, name: str, resource: GivenResource) -> None:
        """Let workflows name a queue, a bucket or an event bus by its placeholder; `tool.headway.resources` of
        pyproject.toml says its name and kind.
        """
        kind = self.project.resources.get(name)
        if kind is None:
            there = ", ".join(self.project.resources) or "nothing"
            _end(f"{FILE}: `tool.headway.resources` lacks `{name}`, which cdk/app.py gives; it has {there}", 2)
        value = value_of(kind, resource)
        if value is None:
            _end(f"cdk/app.py: what is given as `{name}` is no {kind}, as `tool.headway.resources` of {FILE} says", 2)
        stack = publish_resource(resource, self.project.stage, name, value)
        self._given.add(name)
        if self.workflows and stack is self.workflows:
            _end(f"cdk/app.py: `{name}` is in the stack of the machines; make it in `ProjectApp.resources`", 2)
        if self.workflows:
            self.workflows.add_stack_dependency(stack)

    def synth(self) -> None:
        """Write the cloud assembly where CDK wants it."""
        if missing := sorted(set(self.project.resources) - self._given):
            _end(f"cdk/app.py: `{missing[0]}` of `tool.headway.resources` is never given; `ProjectApp.give` it", 2)
        try:
            self.app.synth()
        except RuntimeError as error:  # what jsii makes of every error on its side; cdk-nag has said its own before
            _end(str(error).splitlines()[0], 1)

    def _draw(self, project: Project, code: Path) -> None:
        files = load_vendors(project.configuration, project.stage)
        _check_vendors(project, {one.vendor.name for one in files})
        base = BaseStack(self.app, stage=project.stage)
        lanes = {}
        for one in files:
            state = StateStack(self.app, stage=project.stage, vendor=one.vendor)
            # An asset is of the stack that it was made in: each has its own, and they are one file.
            lane = LaneStack(self.app, stage=project.stage, files=one, code=lambda_.Code.from_asset(str(code)))
            lane.add_stack_dependency(base)
            lane.add_stack_dependency(state)
            lanes[one.vendor.name] = lane
        if project.workflow_files or project.durable_functions:
            self.workflows = WorkflowsStack(self.app, project=project, vendors=[one.vendor for one in files])
            for vendor in sorted(self.workflows.used):
                self.workflows.add_stack_dependency(lanes[vendor])
            if project.tables or project.buckets:
                self.workflows.add_stack_dependency(TablesStack(self.app, project=project))
        Validations.of(self.app).add_plugins(AwsSolutionsChecks(self.app, verbose=True))


def _check_vendors(project: Project, known: Collection[str]) -> None:
    """Raise ConfigurationError where a durable function calls a vendor that there is not."""
    for name, durable in project.durable_functions.items():
        for vendor in durable.vendors:
            if vendor not in known:
                field = f"tool.headway.durable_functions.{name}.vendors"
                raise ConfigurationError(f"{project.root / FILE}: `{field}`: {vendor!r} is none of {sorted(known)}")


def _wanted() -> Project:
    configuration, stage = os.environ.get(CONFIGURATION_VARIABLE), os.environ.get(STAGE_VARIABLE)
    project = bare(Path(configuration)) if configuration else find(Path.cwd())
    return project.of_stage(stage) if stage else project


def _end(words: str, code: int) -> NoReturn:
    print(words, file=sys.stderr)  # noqa: T201 - the last word of a command
    sys.exit(code)


if __name__ == "__main__":
    ProjectApp().synth()
