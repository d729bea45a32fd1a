"""A stage's settings for one method hold for that method; ministack takes a template's `/~1path` for the path itself.

In a template `ResourcePath` has its slashes as `~1`, behind a slash of its own: `/resource/sub` is `/~1resource~1sub`,
and the root is `/` (CloudFormation reference, AWS::ApiGateway::Stage MethodSetting; CDK writes the same). Otherwise the
default `*/*` would throttle a method that has a throttle of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services.cloudformation import provisioners

ANY_PATH = "/*"


def decoded(resource_path: str) -> str:
    """Return the path that a template's `ResourcePath` names."""
    if "~" not in resource_path:
        return resource_path
    return "/" + resource_path.removeprefix("/").replace("~1", "/").replace("~0", "~").removeprefix("/")


def apply() -> None:
    """Decode the paths of the settings that a template gives."""
    read = provisioners._apigw_method_settings

    def read_decoded(raw: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None) -> Any:
        if not raw or isinstance(raw, Mapping):
            return read(raw)
        return read([{**item, "ResourcePath": decoded(item.get("ResourcePath", ANY_PATH))} for item in raw])

    provisioners._apigw_method_settings = read_decoded
