"""The words of a submit (hop 6): the request that a contract makes of a payload, and the job ID in the answer to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from headway_lane.contract import paths
from headway_lane.contract.exchange import BodyFormat, Header, Query, place_of
from headway_lane.contract.vendor import Vendor
from headway_lane.messages.trace_context import TRACE_HEADER
from headway_lane.runtime.errors import ErrorCode, FailTask
from headway_lane.vendor_api.meaning import at

FormFields = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Submission:
    """A submit's body, as JSON or as a form, its query and its headers; `secrets` are those that are in them."""

    json: Mapping[str, Any] | None
    form: FormFields | None
    query: Mapping[str, str]
    headers: Mapping[str, str]
    secrets: Sequence[str] = field(default=(), repr=False)


def submission_of(
    vendor: Vendor,
    payload: Mapping[str, Any],
    idempotency_key: str,
    callback_url: str,
    callback_key: str | None = None,
    traceparent: str | None = None,
) -> Submission:
    """Merge the payload with the contract's fixed fields, the callback URL and both keys; the contract wins. The trace
    goes into its header, unless the contract does not want it.

    Raises FailTask where the payload has no room for them, or cannot be written as the contract's form.
    """
    submit = vendor.submit
    body: Mapping[str, Any] = {**payload, **submit.fields}
    query = dict(submit.query)
    if isinstance(submit.callback_url, Query):
        query[submit.callback_url.name] = callback_url
    try:
        if isinstance(submit.callback_url, str):
            body = paths.write(body, submit.callback_url, callback_url)
        if submit.callback_key:
            body = paths.write(body, submit.callback_key, callback_key)
        if submit.idempotency_field:
            body = paths.write(body, submit.idempotency_field, idempotency_key)
        form = _form(body) if submit.body is BodyFormat.FORM else None
    except ValueError as error:
        raise FailTask(ErrorCode.REQUEST_MALFORMED, f"payload: {error}") from error
    headers = {TRACE_HEADER: traceparent} if traceparent and submit.traceparent else {}
    if submit.idempotency_header:
        headers[submit.idempotency_header] = idempotency_key
    secrets = [callback_key] if callback_key else []
    return Submission(body if form is None else None, form, query, headers, secrets)


def job_id_of(vendor: Vendor, answer: httpx.Response, place: str | Mapping[str, str] | None = None) -> str:
    """Return the vendor's job ID, which is at the contract's place unless a rule names another; FailTask where the
    answer has none.
    """
    named = place_of(place) if place else vendor.submit.job_id
    found: Any
    if isinstance(named, Header):
        found, where = _last_part(answer.headers.get(named.name, "")), f"in the header `{named.name}`"
    else:
        found, where = at(answer, named), f"at `{named}`"
    job_id = paths.identifier(found)
    if job_id is None:
        cause = f"{vendor.name} answered HTTP {answer.status_code} without a job ID {where}"
        raise FailTask(ErrorCode.VENDOR_ANSWER_UNREADABLE, cause)
    return job_id


def _last_part(value: str) -> str:
    """Return the last part of a URL's path, which is the whole of a value that is no URL."""
    return value.partition("?")[0].rstrip("/").rpartition("/")[2]


def _form(body: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Write an object as form fields: a list repeats its field, `null` leaves it out."""
    return {
        name: [_text(name, item) for item in value] if isinstance(value, list) else _text(name, value)
        for name, value in body.items()
        if value is not None
    }


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(
        f"`{name}` has {type(value).__name__}, which a form cannot carry; make it a text, a number or a list of those"
    )
