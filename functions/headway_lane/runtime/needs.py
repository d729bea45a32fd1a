"""What a function needs of its surroundings, as data beside its code: environment variables, and what its role may do.

Infrastructure draws functions from it (`headway_cdk.constructs.python_function`), so that who changes code changes its
grants in the same folder. Nothing here is imported at run time.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from headway_lane.runtime.names import Environment


class Resource(StrEnum):
    """What grants are for; infrastructure knows the ARNs."""

    CALLS = "calls"
    CALLS_BY_EXECUTION = "calls_by_execution"
    """The index."""
    JOBS = "jobs"
    BUDGETS = "budgets"
    REQUEST_QUEUES = "request_queues"
    REQUEST_DLQ = "request_dlq"
    RESULTS_QUEUE = "results_queue"
    CALLBACK_QUEUE = "callback_queue"
    CALLBACK_DLQ = "callback_dlq"
    REQUEST_CLAIMS = "request_claims"
    ANSWER_CLAIMS = "answer_claims"
    RESULT_CLAIMS = "result_claims"
    WAITING_TASKS = "waiting_tasks"
    """The machine whose tasks wait for answers."""
    DISPATCH_MACHINE = "dispatch_machine"
    CONTRACT = "contract"
    TUNING = "tuning"
    API_TOKEN = "api_token"  # noqa: S105 - a name
    WEBHOOK_KEYS = "webhook_keys"
    SUBMIT_PATH = "submit_path"
    """The vendor's paths behind the proxy, one by one."""
    RESULT_PATH = "result_path"
    POLL_PATH = "poll_path"
    LOOKUP_PATH = "lookup_path"
    CANCEL_PATH = "cancel_path"


@dataclass(frozen=True, slots=True)
class Grant:
    """IAM actions on one resource, in their own words."""

    resource: Resource
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """Environment variables that a function reads, and grants that its role has; `|` joins them."""

    environment: tuple[Environment, ...] = ()
    grants: tuple[Grant, ...] = ()

    def __or__(self, other: "Needs") -> "Needs":
        """Return what both need, each once."""
        return Needs(
            tuple(dict.fromkeys((*self.environment, *other.environment))),
            tuple(dict.fromkeys((*self.grants, *other.grants))),
        )

    def actions_on(self, resource: Resource) -> tuple[str, ...]:
        """Return all actions on a resource."""
        return tuple(action for grant in self.grants if grant.resource is resource for action in grant.actions)

    def where(self, condition: bool) -> "Needs":
        """Return this where a condition holds, else nothing."""
        return self if condition else NOTHING


@dataclass(frozen=True, slots=True)
class LambdaEntry:
    """One Lambda function: its handler below `headway_lane`, and what it needs."""

    handler: str
    needs: Needs


NOTHING: Final = Needs()


def may(resource: Resource, *actions: str) -> Needs:
    """Return the need of actions on a resource."""
    return Needs(grants=(Grant(resource, actions),))


def reads(*environment: Environment) -> Needs:
    """Return the need of environment variables."""
    return Needs(environment)


READ_SECRET: Final = "secretsmanager:GetSecretValue"  # noqa: S105 - an action
"""What the secrets provider of Powertools asks for."""
