"""Which properties make another resource when they change, by the resource schemas that cfn-lint brings.

The embedded cloud's change sets know that of few types, and call every change of the others conditional. On AWS
CloudFormation says it itself.
"""

from functools import cache

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from headway.deployment.changes import Recreation


def by_schema(region: str, resource_type: str, name: str) -> Recreation | None:
    """Return what a change of the property `name` does; None for a type without a schema."""
    names = _creation_only(region, resource_type)
    if names is None:
        return None
    always, conditionally = names
    if name in always:
        return Recreation.ALWAYS
    return Recreation.CONDITIONALLY if name in conditionally else Recreation.NEVER


@cache
def _creation_only(region: str, resource_type: str) -> tuple[frozenset[str], frozenset[str]] | None:
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return None
    fixed = schema.get("createOnlyProperties", [])
    whole = frozenset(_top(path) for path in fixed if path == f"/properties/{_top(path)}")
    # Of a property that is fixed in a part only, a change set tells the whole: it may be another part.
    parts = frozenset(map(_top, fixed)) - whole
    return whole, parts | frozenset(map(_top, schema.get("conditionalCreateOnlyProperties", [])))


def _top(path: str) -> str:
    """Return the property of a path: `/properties/Code/S3Key` -> `Code`."""
    return path.split("/")[2]
