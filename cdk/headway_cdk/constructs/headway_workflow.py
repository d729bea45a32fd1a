"""A state machine of a project, from its ASL file: placeholders by name, a role that follows from the file.

The lanes that it sends task tokens to may settle its tasks, and no other lane may.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from headway_cdk.constructs.lane_reference import LaneReference
from headway_cdk.constructs.machine import StateMachine
from headway_cdk.definitions import bind_file, read_document, vendors_of
from headway_cdk.machine_grants import grants_of, waits_for
from headway_cdk.names import WORKFLOWS, parameter, workflow_name
from headway_cdk.placeholders import Binding, Placeholders
from headway_cdk.project import Setting, workflow_of
from headway_cdk.stages import DEFAULT_STAGE
from headway_cdk.state_references import account_of

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class HeadwayWorkflow(Construct):
    """The machine of `file`, called `headway-<stage>-workflows-<file's name>`; `machine` and `role` are CDK's own,
    `vendors` are those that it uses.

    What the file may name by placeholders: the vendors of `lanes`, and `functions`, `tables`, `buckets`, `resources`
    and `settings` by their names (`placeholders.Placeholders`). `by_hand` are the states from which no grant follows:
    somebody grants on `role` what they need.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        file: Path,
        stage: str = DEFAULT_STAGE,
        lanes: Sequence[LaneReference] = (),
        functions: Mapping[str, lambda_.IFunction] = NOTHING,
        tables: Mapping[str, dynamodb.ITable] = NOTHING,
        buckets: Mapping[str, s3.IBucket] = NOTHING,
        resources: Mapping[str, Binding] = NOTHING,
        settings: Mapping[str, Setting] = NOTHING,
        by_hand: Collection[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        found = Placeholders()
        for lane in lanes:
            found.add_lane(lane.vendor, lane)
        for name, function in functions.items():
            found.add_function(name, function.function_arn)
        for name, table in tables.items():
            found.add_table(name, table_name=table.table_name, arn=table.table_arn)
        for name, bucket in buckets.items():
            found.add_bucket(name, bucket_name=bucket.bucket_name, arn=bucket.bucket_arn)
        for name, given in resources.items():
            found.add_resource(name, given)
        for name, value in settings.items():
            found.add_setting(name, value)
        workflow, document = workflow_of(file), read_document(file)
        name, account, bound = workflow_name(stage, workflow), account_of(Stack.of(self)), found.bound
        made = StateMachine(
            self,
            "Machine",
            name=name,
            definition=bind_file(file, bound),
            grants=grants_of(document, bound, file=str(file), machine=name, account=account, by_hand=by_hand),
        )
        self.machine, self.role = made.machine, made.role
        waited_for = waits_for(document, bound)
        for lane in lanes:
            if lane.vendor.name in waited_for:
                lane.let_settle(Construct(self, f"Lane-{lane.vendor.name}"), name)
        self.vendors = vendors_of(document, bound)
        published = {"arn": self.machine.state_machine_arn, "vendors": self.vendors}
        ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=parameter(stage, WORKFLOWS, workflow),
            string_value=Stack.of(self).to_json_string(published),
        )
