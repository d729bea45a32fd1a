"""`Ref` of a secret in a template is its ARN, as on AWS; ministack gives its name, which no policy matches.

AWS: CloudFormation user guide, AWS::SecretsManager::Secret, "Return values".
"""

from collections.abc import Mapping
from typing import Any, Final

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

KIND: Final = "AWS::SecretsManager::Secret"


def apply() -> None:
    """Let secrets of templates be known by their ARN; the handlers themselves still see names."""
    handlers = provisioners._RESOURCE_HANDLERS[KIND]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_by_arn(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        return _by_arn(create(logical_id, properties, stack_name))

    def update_by_arn(physical_id: str, *rest: Any, **options: Any) -> Any:
        return _by_arn(update(_name(physical_id), *rest, **options))

    def delete_by_arn(physical_id: str, properties: Mapping[str, Any]) -> Any:
        return delete(_name(physical_id), properties)

    provisioners._RESOURCE_HANDLERS[KIND] = {
        **handlers,
        "create": create_by_arn,
        "update": update_by_arn,
        "delete": delete_by_arn,
    }


def _by_arn(made: tuple[str, Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    _, attributes = made
    return str(attributes["Arn"]), attributes


def _name(physical_id: str) -> str:
    name, _ = secretsmanager._resolve(physical_id)
    return str(name or physical_id)
