"""Where functions stand: the value of every environment variable that they may need, the ARNs of every resource.

Machines and functions have names that are known before they are made, so that nothing here depends on an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import EXECUTION_INDEX
from headway_lane.messages.claim import answers_folder, requests_folder, results_folder
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, Environment
from headway_lane.runtime.needs import Resource

from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.vendor_proxy import VendorProxy
from headway_cdk.names import Function, Machine, own_name, role_name
from headway_cdk.state_references import StateReferences


@dataclass(frozen=True, slots=True)
class Place:
    """An ARN that a role gets, and where it ends in a wildcard, why it is meant."""

    arn: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LaneSurroundings:
    """One vendor's lane. `callback_url` is None where the vendor calls nobody back."""

    stage: str
    vendor: Vendor
    state: StateReferences
    proxy: VendorProxy
    proxy_url: str
    configuration: RuntimeConfiguration
    callback_url: str | None

    @property
    def stack(self) -> Stack:
        """The stack of the functions."""
        return self.state.stack

    def name(self, part: Machine | Function) -> str:
        """Name a machine or function of the lane."""
        return own_name(self.stage, self.vendor.name, part)

    def role_name(self, part: Machine | Function) -> str:
        """Name the role of a machine or function of the lane."""
        return role_name(self.stage, self.vendor.name, part)

    def machine_arn(self, machine: Machine) -> str:
        """Return the ARN of a machine of the lane."""
        return self.state.account.machine(self.name(machine)).arn

    def function_arn(self, function: Function) -> str:
        """Return the ARN of a function of the lane."""
        return self.state.account.arn("lambda", f"function:{self.name(function)}")

    def value(self, name: Environment) -> str:
        """Return the value of an environment variable. KeyError for one that has no place in this lane."""
        for known, value in self._values():
            if known is name and value is not None:
                return value
        raise KeyError(f"{name} has no value in the lane of {self.vendor.name}")

    def places(self, resource: Resource) -> Sequence[Place]:
        """Return what a grant on a resource is for. KeyError for one that is not in this lane."""
        if resource is Resource.REQUEST_QUEUES:
            return [Place(arn) for arn in self.state.request_queue_arns]
        for known, place in self._places():
            if known is resource:
                return [place]
        raise KeyError(f"{resource} is not in the lane of {self.vendor.name}")

    def _values(self) -> Iterator[tuple[Environment, str | None]]:
        state = self.state.published
        yield Environment.VENDOR, self.vendor.name
        yield Environment.CALLS_TABLE, state.calls_table
        yield Environment.JOBS_TABLE, state.jobs_table
        yield Environment.BUDGETS_TABLE, state.budgets_table
        yield Environment.IN_FLIGHT_TABLE, state.budgets_table
        yield Environment.CONFIG_APPLICATION, self.configuration.application.ref
        yield Environment.CLAIMS_BUCKET, state.claims_bucket
        yield Environment.REQUEST_QUEUE_URLS, " ".join(state.request_queue_urls)
        yield Environment.REQUEST_DLQ_URL, state.request_dlq_url
        yield Environment.CALLBACK_QUEUE_URL, state.callback_queue_url
        yield Environment.CALLBACK_DLQ_URL, state.callback_dlq_url
        yield Environment.RESULTS_QUEUE_URL, state.results_queue_url
        yield Environment.PROXY_URL, self.proxy_url
        yield Environment.CALLBACK_URL, self.callback_url
        yield Environment.API_TOKEN_SECRET, state.api_token_arn
        yield Environment.WEBHOOK_SECRET, state.webhook_key_arn
        yield Environment.DISPATCH_MACHINE_ARN, self.machine_arn(Machine.DISPATCH_CALL)

    def _places(self) -> Iterator[tuple[Resource, Place]]:
        name, state, arns = self.vendor.name, self.state.published, self.state
        yield Resource.CALLS, Place(arns.table_arn(state.calls_table))
        yield Resource.CALLS_BY_EXECUTION, Place(f"{arns.table_arn(state.calls_table)}/index/{EXECUTION_INDEX}")
        yield Resource.JOBS, Place(arns.table_arn(state.jobs_table))
        yield Resource.BUDGETS, Place(arns.table_arn(state.budgets_table))
        yield Resource.REQUEST_DLQ, Place(arns.queue_arn(state.request_dlq_url))
        yield Resource.RESULTS_QUEUE, Place(arns.queue_arn(state.results_queue_url))
        yield Resource.REQUEST_CLAIMS, self._claims(requests_folder(name))
        yield Resource.ANSWER_CLAIMS, self._claims(answers_folder(name))
        yield Resource.RESULT_CLAIMS, self._claims(results_folder(name))
        yield Resource.CONTRACT, Place(self.configuration.arns[CONTRACT_PROFILE])
        yield Resource.TUNING, Place(self.configuration.arns[TUNING_PROFILE])
        yield Resource.SUBMIT_PATH, Place(self.proxy.submit_arn)
        yield Resource.WAITING_TASKS, Place(self.machine_arn(Machine.CALL_VENDOR))
        yield Resource.DISPATCH_MACHINE, Place(self.machine_arn(Machine.DISPATCH_CALL))
        for resource, arn in self.proxy.polled.items():
            yield resource, Place(arn, "The wildcard is the job ID, or our key of it." if "*" in arn else "")
        if state.callback_queue_url:
            yield Resource.CALLBACK_QUEUE, Place(arns.queue_arn(state.callback_queue_url))
        if state.callback_dlq_url:
            yield Resource.CALLBACK_DLQ, Place(arns.queue_arn(state.callback_dlq_url))
        if state.api_token_arn:
            yield Resource.API_TOKEN, Place(state.api_token_arn)
        if state.webhook_key_arn:
            yield Resource.WEBHOOK_KEYS, Place(state.webhook_key_arn)

    def _claims(self, folder: str) -> Place:
        return Place(f"{self.state.bucket_arn}/{folder}/*", "The wildcard is the hash of what lies there.")
