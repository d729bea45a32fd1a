"""Where the callback function stands: beside all lanes whose vendors call back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_secretsmanager as secretsmanager
from headway_lane.messages.claim import answers_folder
from headway_lane.runtime.names import CONTRACT_PROFILE, Environment
from headway_lane.runtime.needs import Resource

from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.surroundings import Place, claims
from headway_cdk.constructs.vendor_lane import VendorLane
from headway_cdk.stateful import StatefulStack


@dataclass(frozen=True, slots=True)
class InboxSurroundings:
    """The lanes of the vendors that call back, and what all lanes share."""

    stack: Stack
    heard: Sequence[VendorLane]
    stateful: StatefulStack
    configuration: RuntimeConfiguration
    callback_url: str

    def value(self, name: Environment) -> str:
        """Return the value of an environment variable."""
        stateful = self.stateful
        keys = {vendor_name: key.secret_arn for vendor_name, key in self._keys.items()}
        values = {
            Environment.CALLS_TABLE: stateful.calls.table_name,
            Environment.JOBS_TABLE: stateful.jobs.table_name,
            Environment.IN_FLIGHT_TABLE: stateful.budgets.table_name,
            Environment.CONFIG_APPLICATION: self.configuration.application.ref,
            Environment.CALLBACK_QUEUE_URL: stateful.callback_queue.queue_url,
            Environment.CALLBACK_DLQ_URL: stateful.callback_dlq.queue_url,
            Environment.CALLBACK_URL: self.callback_url,
            Environment.CLAIMS_BUCKET: stateful.claims.bucket_name,
            Environment.WEBHOOK_SECRETS: self.stack.to_json_string(keys),
        }
        return values[name]

    def places(self, resource: Resource) -> Sequence[Place]:
        """Return what a grant on a resource is for."""
        stateful, names = self.stateful, [lane.vendor.name for lane in self.heard]
        places = {
            Resource.CALLS: [Place(stateful.calls.table_arn)],
            Resource.JOBS: [Place(stateful.jobs.table_arn)],
            Resource.BUDGETS: [Place(stateful.budgets.table_arn)],
            Resource.CALLBACK_QUEUE: [Place(stateful.callback_queue.queue_arn)],
            Resource.CALLBACK_DLQ: [Place(stateful.callback_dlq.queue_arn)],
            Resource.ANSWER_CLAIMS: [claims(answers_folder(name)) for name in names],
            Resource.CONTRACT: [Place(self.configuration.arn(name, CONTRACT_PROFILE)) for name in names],
            Resource.WEBHOOK_KEYS: [Place(key.secret_arn) for key in self._keys.values()],
            Resource.WAITING_TASKS: [Place(lane.call_vendor.machine.state_machine_arn) for lane in self.heard],
        }
        return places[resource]

    @property
    def _keys(self) -> Mapping[str, secretsmanager.Secret]:
        return {name: state.webhook_key for name, state in self.stateful.vendors.items() if state.webhook_key}
