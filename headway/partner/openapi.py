"""The webhook of one vendor as an OpenAPI document, generated from its contract: what a partner's tools read.

In: a contract. Out: OpenAPI 3.1, the dialect whose schemas are JSON Schema.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from headway_lane.contract.exchange import CONTENT_TYPES, Callback
from headway_lane.verification.schemes import scheme_of

REFUSALS: Final[Mapping[str, str]] = {
    "400": "Not stored: the queue does not take this body. Do not repeat it unchanged.",
    "403": "No such address.",
    "415": "The content type is not that of this document.",
    "429": "Not stored: too many at once. Repeat with a growing pause.",
    "500": "Not stored. Repeat with a growing pause.",
    "503": "Not stored. Repeat with a growing pause.",
}


def openapi(vendor_name: str, callback: Callback, url: str) -> dict[str, Any]:
    """Return the document; `url` is the callback URL of the vendor."""
    base, _, name = url.rpartition("/")
    stored = str(callback.acknowledgement.status)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Callbacks of {vendor_name}",
            "version": "1",
            "description": "Stored first, judged later: a success says that the callback is stored, and no more.",
        },
        "servers": [{"url": base}],
        "paths": {
            f"/{name}": {
                "post": {
                    "operationId": "callBack",
                    "summary": "Say how a job stands.",
                    "parameters": [_header(header) for header in scheme_of(callback.verification).headers],
                    "requestBody": {
                        "required": True,
                        "content": {CONTENT_TYPES[callback.body]: {"schema": _body(callback)}},
                    },
                    "responses": {
                        stored: {"description": "Stored. Do not send it again."},
                        **{status: {"description": meaning} for status, meaning in REFUSALS.items()},
                    },
                }
            }
        },
    }


def _header(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": "Part of the signature; without it the callback is stored, and put aside as forged.",
        "schema": {"type": "string"},
    }


def _body(callback: Callback) -> dict[str, Any]:
    """Describe a whole callback: one event, or a list of them at a path."""
    event = _event(callback)
    if callback.events is None:
        return event
    several = {"type": "array", "minItems": 1, "items": event}
    return _at(callback.events.split("."), several) if callback.events else several


def _event(callback: Callback) -> dict[str, Any]:
    identifier: dict[str, Any] = {"type": ["string", "integer"], "description": "The job ID.", "minLength": 1}
    places = [_at(path.split("."), identifier) for path in callback.job_id]
    job_id = places[0] if len(places) == 1 else {"anyOf": places}
    if callback.status is None:
        return job_id
    words = sorted(callback.success | callback.failure | callback.progress)
    status = {"enum": words, "description": "How the job stands."}
    return _merge(job_id, _at(callback.status.split("."), status))


def _at(names: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Describe objects within objects, with a schema at a path."""
    name, *rest = names
    inner = _at(rest, schema) if rest else dict(schema)
    return {"type": "object", "required": [name], "properties": {name: inner}}


def _merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Describe what satisfies both; objects that share a path become one."""
    if "anyOf" in one or one.get("type") != "object" or other.get("type") != "object":
        return {"allOf": [dict(one), dict(other)]}
    properties = dict(one["properties"])
    for name, schema in other["properties"].items():
        properties[name] = _merge(properties[name], schema) if name in properties else schema
    return {"type": "object", "required": sorted({*one["required"], *other["required"]}), "properties": properties}
