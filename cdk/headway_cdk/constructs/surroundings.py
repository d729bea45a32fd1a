"""Where functions stand: the value of every environment variable that they may need, the ARNs of every resource."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aws_cdk import Fn, Stack
from headway_lane.contract.vendor import Vendor
from headway_lane.messages.claim import answers_folder, requests_folder, results_folder
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, Environment
from headway_lane.runtime.needs import Resource

from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.constructs.machine import Machine
from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.vendor_proxy import VendorProxy
from headway_cdk.stateful import CLAIMS_ARN_EXPORT, StatefulStack, VendorState


@dataclass(frozen=True, slots=True)
class Place:
    """An ARN that a role gets; where it ends in a wildcard, how the security rules call that, and why it is meant."""

    arn: str
    finding: str = ""
    reason: str = ""


class FunctionSurroundings(Protocol):
    """What a function is drawn in."""

    def value(self, name: Environment) -> str:
        """Return the value of an environment variable."""
        ...

    def places(self, resource: Resource) -> Sequence[Place]:
        """Return what a grant on a resource is for."""
        ...


def claims(folder: str) -> Place:
    """Return the claim checks of a folder."""
    return Place(
        f"{Fn.import_value(CLAIMS_ARN_EXPORT)}/{folder}/*",
        f"{CLAIMS_ARN_EXPORT}/{folder}/*",
        "The wildcard is the hash of what lies there.",
    )


@dataclass(slots=True)
class LaneSurroundings:
    """One vendor's lane; its machines are known once they are made, before the functions that need them."""

    stack: Stack
    vendor: Vendor
    state: VendorState
    stateful: StatefulStack
    cloud: CloudChoice
    proxy: VendorProxy
    configuration: RuntimeConfiguration
    callback_url: str
    call_vendor: Machine | None = None
    dispatch_call: Machine | None = None

    def value(self, name: Environment) -> str:
        """Return the value of an environment variable. KeyError for one that has no place in a lane."""
        for known, value in self._values():
            if known is name:
                return value
        raise KeyError(f"{name} has no value in a vendor's lane")

    def places(self, resource: Resource) -> Sequence[Place]:
        """Return what a grant on a resource is for. KeyError for one that is not in a lane."""
        if resource is Resource.REQUEST_QUEUES:
            return [Place(queue.queue_arn) for queue in self.state.request_queues]
        for known, place in self._places():
            if known is resource:
                return [place]
        raise KeyError(f"{resource} is not in a vendor's lane")

    def _values(self) -> Iterator[tuple[Environment, str]]:
        state, stateful = self.state, self.stateful
        yield Environment.VENDOR, self.vendor.name
        yield Environment.CALLS_TABLE, stateful.calls.table_name
        yield Environment.JOBS_TABLE, stateful.jobs.table_name
        yield Environment.BUDGETS_TABLE, stateful.budgets.table_name
        yield Environment.IN_FLIGHT_TABLE, stateful.budgets.table_name
        yield Environment.CONFIG_APPLICATION, self.configuration.application.ref
        yield Environment.CLAIMS_BUCKET, stateful.claims.bucket_name
        yield Environment.REQUEST_QUEUE_URLS, " ".join(queue.queue_url for queue in state.request_queues)
        yield Environment.REQUEST_DLQ_URL, state.request_dlq.queue_url
        yield Environment.PROXY_URL, self.cloud.api_url(self.proxy.api)
        yield Environment.CALLBACK_URL, self.callback_url
        if state.check_queue:
            yield Environment.CHECK_QUEUE_URL, state.check_queue.queue_url
        if state.api_token:
            yield Environment.API_TOKEN_SECRET, state.api_token.secret_arn
        if state.webhook_key:
            keys = {self.vendor.name: state.webhook_key.secret_arn}
            yield Environment.WEBHOOK_SECRETS, self.stack.to_json_string(keys)
        if self.dispatch_call:
            yield Environment.DISPATCH_MACHINE_ARN, self.dispatch_call.machine.state_machine_arn

    def _places(self) -> Iterator[tuple[Resource, Place]]:
        name, state, stateful, proxy = self.vendor.name, self.state, self.stateful, self.proxy
        yield Resource.CALLS, Place(stateful.calls.table_arn)
        yield Resource.JOBS, Place(stateful.jobs.table_arn)
        yield Resource.BUDGETS, Place(stateful.budgets.table_arn)
        yield Resource.REQUEST_DLQ, Place(state.request_dlq.queue_arn)
        yield Resource.REQUEST_CLAIMS, claims(requests_folder(name))
        yield Resource.ANSWER_CLAIMS, claims(answers_folder(name))
        yield Resource.RESULT_CLAIMS, claims(results_folder(name))
        yield Resource.CONTRACT, Place(self.configuration.arn(name, CONTRACT_PROFILE))
        yield Resource.TUNING, Place(self.configuration.arn(name, TUNING_PROFILE))
        yield Resource.SUBMIT_PATH, Place(proxy.submit_arn)
        for resource, called in proxy.polled.items():
            yield resource, Place(called.arn, called.finding, "The wildcard is the job ID, or our key of it.")
        if state.check_queue:
            yield Resource.CHECK_QUEUE, Place(state.check_queue.queue_arn)
        if state.api_token:
            yield Resource.API_TOKEN, Place(state.api_token.secret_arn)
        if state.webhook_key:
            yield Resource.WEBHOOK_KEYS, Place(state.webhook_key.secret_arn)
        if self.call_vendor:
            yield Resource.WAITING_TASKS, Place(self.call_vendor.machine.state_machine_arn)
        if self.dispatch_call:
            yield Resource.DISPATCH_MACHINE, Place(self.dispatch_call.machine.state_machine_arn)
