"""What a Task can call: optimized integrations with their patterns, and the SDK's services by botocore's models.

The table is that of "Integrating optimized services with Step Functions" in the developer guide and the pages behind
it. A model is read only for a service that a machine names.
"""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

SDK: Final = "aws-sdk"
SYNC: Final = ("sync",)
WAIT: Final = ("waitForTaskToken",)
NONE: Final = ()
BOTH: Final = (*SYNC, *WAIT)

_RESOURCE: Final = re.compile(
    r"arn:(?:aws[a-z-]*|\$\{[^}]*\}|#\{[^}]*\}|<[^>]*>):states:[^:]*:[^:]*:(?:(?P<sdk>aws-sdk):)?(?P<service>[\w-]+):(?P<action>\w+)(?:\.(?P<how>[\w:]+))?"
)
_NO_SERVICES: Final = ("activity", "stateMachine", "execution", "express", "mapRun")


def _each(patterns: tuple[str, ...], *actions: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(actions, patterns)


OPTIMIZED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "apigateway": _each(WAIT, "invoke"),
    "athena": _each(SYNC, "startQueryExecution")
    | _each(NONE, "stopQueryExecution", "getQueryExecution")
    | _each(NONE, "getQueryResults"),
    "batch": _each(SYNC, "submitJob"),
    "bedrock": _each(WAIT, "invokeModel") | _each(BOTH, "createModelCustomizationJob"),
    "codebuild": _each(SYNC, "startBuild", "startBuildBatch", "retryBuild", "retryBuildBatch")
    | _each(NONE, "stopBuild", "stopBuildBatch", "batchDeleteBuilds", "batchGetReports", "deleteBuildBatch"),
    "databrew": _each(SYNC, "startJobRun"),
    "dynamodb": _each(NONE, "getItem", "putItem", "updateItem", "deleteItem"),
    "ecs": _each(BOTH, "runTask"),
    "eks": _each(BOTH, "runJob", "call")
    | _each(BOTH, "createCluster", "deleteCluster", "createNodegroup", "deleteNodegroup")
    | _each(BOTH, "createFargateProfile", "deleteFargateProfile"),
    "elasticmapreduce": _each(SYNC, "createCluster", "terminateCluster", "addStep")
    | _each(
        NONE, "setClusterTerminationProtection", "cancelStep", "modifyInstanceFleetByName", "modifyInstanceGroupByName"
    ),
    "emr-containers": _each(SYNC, "createVirtualCluster", "deleteVirtualCluster", "startJobRun"),
    "emr-serverless": _each(SYNC, "createApplication", "startApplication", "stopApplication", "deleteApplication")
    | _each(SYNC, "startJobRun", "cancelJobRun"),
    "events": _each(WAIT, "putEvents"),
    "glue": _each(SYNC, "startJobRun"),
    "http": _each(NONE, "invoke"),
    "lambda": _each(WAIT, "invoke"),
    "mediaconvert": _each(SYNC, "createJob"),
    "sagemaker": _each(SYNC, "createHyperParameterTuningJob", "createLabelingJob", "createProcessingJob")
    | _each(SYNC, "createTrainingJob", "createTransformJob")
    | _each(NONE, "createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"),
    "sns": _each(WAIT, "publish"),
    "sqs": _each(WAIT, "sendMessage"),
    "states": _each((*BOTH, "sync:2"), "startExecution"),
}
"""Service -> action -> patterns beside request and response."""

_OWN_PARAMETERS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "apigateway:invoke": (
        frozenset({"ApiEndpoint", "Method"}),
        frozenset({"Headers", "Stage", "Path", "QueryParameters", "RequestBody", "AllowNullValues", "AuthType"}),
    ),
    "http:invoke": (
        frozenset({"ApiEndpoint", "Method"}),
        frozenset({"Authentication", "InvocationConfig", "Headers", "QueryParameters", "RequestBody", "Transform"}),
    ),
}
"""Parameters of actions that are Step Functions' own: the needed ones, and the others."""
_BOTOCORE_NAMES: Final = {
    "bedrock:invokeModel": "bedrock-runtime",
    "states": "stepfunctions",
}
_ADDED: Final = {"bedrock:invokeModel": {"Input", "Output"}}
"""What Step Functions takes beside the service's own parameters."""
_NOT_THE_SERVICES: Final = {
    "eks:call",
    "eks:runJob",
    *(f"elasticmapreduce:{name}" for name in OPTIMIZED["elasticmapreduce"]),
}
"""Actions whose parameters are described in prose only."""


@dataclass(frozen=True, slots=True)
class Integration:
    """What a Resource names: the call of a service, and how its end is waited for (`how`, "" for request/response)."""

    sdk: bool
    service: str
    action: str
    how: str

    @property
    def name(self) -> str:
        """Service and action."""
        return f"{self.service}:{self.action}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of an action: those that it needs, and all of them."""

    needed: frozenset[str]
    known: frozenset[str]


def integration_of(resource: str) -> Integration | None:
    """Return what a Resource calls; None where it is no call of a service."""
    match = _RESOURCE.fullmatch(resource)
    if not match or match["service"] in _NO_SERVICES or (":states:::" not in resource):
        return None
    return Integration(bool(match["sdk"]), match["service"], match["action"], match["how"] or "")


@lru_cache(64)
def sdk_services() -> Mapping[str, str]:
    """Return the services of the SDK: the name that Step Functions gives them -> botocore's folder.

    Step Functions calls a service as the Java SDK does: by its ID, lower case without spaces.
    """
    found: dict[str, str] = {}
    for folder, path in _models().items():
        found.setdefault(folder.replace("-", ""), folder)
        name = _service_id(path) or folder
        found[name] = folder
        found.setdefault(name.removesuffix("service"), folder)  # as in `databasemigration`
    return found


def sdk_folder(service: str) -> str | None:
    """Return botocore's folder of a service of the SDK; None where there is none of that name."""
    if service in _models():
        path = _models()[service]
        if _service_id(path) == service:
            return service
    return sdk_services().get(service)


@lru_cache(64)
def operations_of(folder: str) -> Mapping[str, Any]:
    """Return the operations of a service by their names."""
    found: Mapping[str, Any] = _model(folder)["operations"]
    return found


def parameters_of(integration: Integration) -> Parameters | None:
    """Return what an action takes; None where nothing is known of it."""
    own = None if integration.sdk else _OWN_PARAMETERS.get(integration.name)
    if own:
        return Parameters(own[0], own[0] | own[1])
    if integration.name in _NOT_THE_SERVICES and not integration.sdk:
        return None
    folder = folder_of(integration)
    operation = operation_of(folder, integration.action) if folder else None
    if folder is None or operation is None:
        return None
    shapes = _model(folder)["shapes"]
    shape = shapes.get(operation.get("input", {}).get("shape"), {})
    members = shape.get("members", {})
    by_itself = {name for name, member in members.items() if member.get("idempotencyToken")}
    needed = {_pascal(name) for name in shape.get("required", ()) if name not in by_itself}
    known = {_pascal(name) for name in members} | (
        _ADDED.get(integration.name, set()) if not integration.sdk else set()
    )
    return Parameters(frozenset(needed), frozenset(known))


def folder_of(integration: Integration) -> str | None:
    """Return botocore's folder of the service that is called."""
    if integration.sdk:
        return sdk_folder(integration.service)
    name = _BOTOCORE_NAMES.get(integration.name, _BOTOCORE_NAMES.get(integration.service, integration.service))
    return name if name in _models() else sdk_folder(name.replace("-", "")) or _by_endpoint(name)


def operation_of(folder: str, action: str) -> Mapping[str, Any] | None:
    """Return an operation by the name that Step Functions gives it, in camel case."""
    wanted = action.lower()
    return next((one for name, one in operations_of(folder).items() if name.lower() == wanted), None)


def _by_endpoint(name: str) -> str | None:
    return {"elasticmapreduce": "emr"}.get(name)


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


@lru_cache(1)
def _models() -> Mapping[str, Path]:
    """Return the newest model of each service that botocore has, by its folder."""
    import botocore

    data = Path(botocore.__file__).parent / "data"
    found = sorted(data.glob("*/*/service-2.json.gz"))
    return {path.parent.parent.name: path for path in found}


@lru_cache(512)
def _service_id(path: Path) -> str | None:
    """Return the service's ID from the beginning of its model, which is cheaper than to read all of it."""
    with gzip.open(path, "rt", encoding="utf-8") as model:
        match = re.search(r'"serviceId"\s*:\s*"([^"]+)"', model.read(4_000))
    return match[1].lower().replace(" ", "").replace("-", "") if match else None


@lru_cache(16)
def _model(folder: str) -> Mapping[str, Any]:
    import json

    with gzip.open(_models()[folder], "rt", encoding="utf-8") as model:
        found: Mapping[str, Any] = json.load(model)
    return found
