"""Configuration files: the shipped ones load, and every mistake is one line with the file, the field and the fix."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.configuration import ConfigurationError, checked_stage, load_contract, load_vendors, schema
from headway_cdk.parameters import granted_path
from headway_cdk.resources import CONFIGURATION, EXAMPLE_CONFIGURATION
from headway_lane.contract.dispatch import LARGEST_BATCH_COUNT, Pacing, Trigger
from headway_lane.contract.exchange import CHARSETS, Ambiguity, BodyFormat, Callback, Lookup, Poll, Submit
from headway_lane.contract.fences import HEADROOM_LIMIT_MS
from headway_lane.contract.limits import IN_FLIGHT_LIMIT, LEAST_WINDOW_S, Quantity, Scope
from headway_lane.contract.signature import Algorithm, Encoding, Signature
from headway_lane.contract.signature_presets import PRESETS
from headway_lane.contract.timing import LONGEST_DELAY_S
from headway_lane.contract.tuning import AUTO, Tuning
from headway_lane.verification.schemes import SCHEMES
from jsonschema import Draft4Validator

SHIPPED = EXAMPLE_CONFIGURATION
Change = Callable[[Any], object]
LOOKUP: dict[str, Any] = {"path": "/v1/jobs?reference={idempotency_key}", "timeout_s": 5, "job_id": "data.0.id"}

CONTRACT_MISTAKES: dict[str, tuple[Change, str]] = {
    "a field is missing": (lambda c: c.pop("waits"), "`(top level)`: 'waits' is a required property"),
    "a field of a section is missing": (
        lambda c: c["submit"].pop("job_id"),
        "`submit`: 'job_id' is a required property",
    ),
    "a field nobody knows": (
        lambda c: c["submit"].update(retries=3),
        "`submit`: Additional properties are not allowed",
    ),
    "text for a number": (lambda c: c["limits"][0].update(amount="10"), "`limits.0.amount`: '10' is not of type"),
    "no calls at all": (
        lambda c: c["limits"][0].update(amount=0),
        "`limits.0.amount`: 0 is less than the minimum of 1",
    ),
    "no limit": (lambda c: c.update(limits=[]), "`limits`: [] "),
    "a window of nothing": (lambda c: c["limits"][0].update(per_s=0), "`limits.0`: `per_s` is below 0.25 s, too short"),
    "a window that is too short": (
        lambda c: c["limits"][1].update(per_s=LEAST_WINDOW_S - 0.001),
        "`limits.1`: `per_s` is below 0.25 s, too short for a late call to be made up for in time; write the same",
    ),
    "a scope nobody counts": (lambda c: c["limits"][0].update(scope="all"), "`limits.0.scope`: 'all' is not one of"),
    "a trailing slash": (
        lambda c: c.update(base_url="https://a.example/"),
        "`base_url`: 'https://a.example/' does not",
    ),
    "a path that is none": (lambda c: c["submit"].update(path="jobs"), "`submit.path`: 'jobs' does not match"),
    "a vendor as slow as the proxy's patience": (
        lambda c: c["submit"].update(timeout_s=30),
        "`submit.timeout_s`: 30 is",
    ),
    "an unknown policy": (lambda c: c["submit"].update(ambiguity="hope"), "`submit.ambiguity`: 'hope' is not one of"),
    "an unknown signature": (
        lambda c: c["callback"].update(verification="hope"),
        "`callback.verification`: 'hope' is no preset; name one of vendor.schema.json, or describe the signature",
    ),
    "an unknown algorithm": (
        lambda c: c["callback"].update(verification={"algorithm": "md5", "header": "X-Signature"}),
        "`callback.verification.algorithm`: 'md5' is not one of",
    ),
    "a signature in no header": (
        lambda c: c["callback"].update(verification={"algorithm": "hmac-sha256"}),
        "`callback.verification`: {'algorithm': 'hmac-sha256'} is no preset; name one of vendor.schema.json",
    ),
    "a signature of no body": (
        lambda c: c["callback"].update(
            verification={"algorithm": "hmac-sha256", "header": "X-Signature", "signed": "hello"}
        ),
        "`callback.verification`: `signed` has no `{body}` and no `{form}`, so that any body would pass; add one",
    ),
    "no job ID in the result's path": (lambda c: c["result"].update(path="/v1/jobs"), "`result.path`: '/v1/jobs' does"),
    "no token in the credential": (lambda c: c["credential"].update(format="x"), "`credential.format`: 'x' does not"),
    "a batch that AWS does not give": (
        lambda c: c["dispatch"].update(batch_size=LARGEST_BATCH_COUNT + 1),
        "`dispatch.batch_size`: 10001 is greater than the maximum of 10000",
    ),
    "a batch of many without a window": (
        lambda c: c["dispatch"].update(batch_size=11, batching_window_s=0),
        "`dispatch.batch_size` is 11, which AWS gathers in a window only; make `dispatch.batching_window_s` 1 at least",
    ),
    "the trigger by its old name": (
        lambda c: c["dispatch"].update(drain="schedule"),
        "`dispatch.drain`: is called `trigger` now; write `trigger` with the same value",
    ),
    "a batch of many, received once": (
        lambda c: c["dispatch"].update(batch_size=11, batching_window_s=1, trigger="schedule"),
        "`dispatch.batch_size` is 11, and `trigger: schedule` receives once; make it 10 at most",
    ),
    "a batch of many that outlives its dispatcher": (
        lambda c: c["dispatch"].update(batch_size=4_351, batching_window_s=1),
        "`dispatch.batch_size` is 4351, and one of 2 dispatchers brings no more than 4350 to an end before Lambda ends",
    ),
    "one poller": (lambda c: c["dispatch"].update(maximum_concurrency=1), "`dispatch.maximum_concurrency`: 1 is less"),
    "another vendor's name": (
        lambda c: c.update(vendor="other"),
        "`vendor` is 'other'; make it 'replicate', like the file",
    ),
    "no limit for submits": (
        lambda c: c.update(limits=[limit for limit in c["limits"] if limit["scope"] == "poll"]),
        "`limits`: none counts submits; add one with `scope: submit`",
    ),
    "fewer dispatchers than pollers": (
        lambda c: c["dispatch"].update(maximum_concurrency=5),
        "`dispatch.reserved_concurrency` is 2; make it 5 (`maximum_concurrency` + `urgent_concurrency`) at least, or",
    ),
    "no dispatchers for urgent calls": (
        lambda c: c["dispatch"].update(urgent_concurrency=2, reserved_concurrency=2),
        "`dispatch.reserved_concurrency` is 2; make it 4 (`maximum_concurrency` + `urgent_concurrency`) at least, or",
    ),
    "no word on urgent calls, which means two dispatchers": (
        lambda c: (c["dispatch"].pop("urgent_concurrency"), c["dispatch"].update(reserved_concurrency=2)),
        "`dispatch.reserved_concurrency` is 2; make it 4 (`maximum_concurrency` + `urgent_concurrency`) at least, or",
    ),
    "one urgent poller": (
        lambda c: c["dispatch"].update(urgent_concurrency=1),
        "`dispatch.urgent_concurrency` is 1; make it 2 or more, an event source mapping takes no less, or 0 for",
    ),
    "more warm dispatchers than there may be": (
        lambda c: c["dispatch"].update(provisioned_concurrency=3),
        "`dispatch.provisioned_concurrency` is 3; make it 2 (`reserved_concurrency`) at most",
    ),
    "a credential on the direct way": (
        lambda c: c["dispatch"].update(direct=True),
        "`dispatch.direct`: no function reads the secret; remove `credential`",
    ),
    "an unknown pacing": (lambda c: c["dispatch"].update(pacing="hope"), "`dispatch.pacing`: 'hope' is not one of"),
    "permits on the direct way": (
        lambda c: (c.pop("credential"), c["dispatch"].update(direct=True, pacing="permits")),
        "`dispatch.direct`: no function waits for a permit; set `pacing: delay`",
    ),
    "calls without a window": (
        lambda c: c["limits"][0].pop("per_s"),
        "`limits.0`: `quantity: calls` needs `per_s` and `scope`",
    ),
    "jobs in flight in a window": (
        lambda c: c["limits"].append({"quantity": "jobs_in_flight", "amount": 3, "per_s": 1}),
        "`limits.2`: `quantity: jobs_in_flight` takes `amount` alone; remove `per_s` and `scope`",
    ),
    "jobs in flight of a scope": (
        lambda c: c["limits"].append({"quantity": "jobs_in_flight", "amount": 3, "scope": "submit"}),
        "`limits.2`: `quantity: jobs_in_flight` takes `amount` alone; remove `per_s` and `scope`",
    ),
    "more jobs in flight than an item holds": (
        lambda c: c["limits"].append({"quantity": "jobs_in_flight", "amount": IN_FLIGHT_LIMIT + 1}),
        "`limits.2`: more `jobs_in_flight` than fit into one DynamoDB item; make `amount` 2000 at most",
    ),
    "no jobs at all": (
        lambda c: c["limits"].append({"quantity": "jobs_in_flight", "amount": 0}),
        "`limits.2.amount`: 0 is less than the minimum of 1",
    ),
    "a quantity nobody counts": (
        lambda c: c["limits"][0].update(quantity="bytes"),
        "`limits.0.quantity`: 'bytes' is not one of",
    ),
    "jobs in flight and nothing else": (
        lambda c: c.update(limits=[{"quantity": "jobs_in_flight", "amount": 3}]),
        "`limits`: none counts submits; add one with `scope: submit`",
    ),
    "two limits on jobs in flight": (
        lambda c: c["limits"].extend({"quantity": "jobs_in_flight", "amount": amount} for amount in (3, 4)),
        "`limits.3`: limits jobs in flight, and so does `limits.2`; remove one of them",
    ),
    "two limits of one scope and window": (
        lambda c: c["limits"].append({"quantity": "calls", "amount": 9, "per_s": 1.0, "scope": "submit"}),
        "`limits.2`: limits calls of scope `submit` in 1 s, and so does `limits.0`; remove one of them",
    ),
    "any calls and plain pacing": (
        lambda c: (
            c["limits"].append({"quantity": "calls", "amount": 60, "per_s": 60, "scope": "any"}),
            c["dispatch"].update(pacing="delay"),
        ),
        "`dispatch.pacing`: with `delay` nobody counts submits together with polls;",
    ),
    "a nested callback URL on the direct way": (
        lambda c: (
            c.pop("credential"),
            c["dispatch"].update(direct=True, pacing="delay"),
            c["submit"].update(callback_url="a.b"),
        ),
        "`dispatch.direct`: `submit.callback_url` must be a field at the top level",
    ),
    "a form on the direct way": (
        lambda c: (
            c.pop("credential"),
            c["dispatch"].update(direct=True, pacing="delay"),
            c["submit"].update(body="form"),
        ),
        "`dispatch.direct`: no function reads or writes headers, secrets, forms and queries; remove `direct`",
    ),
    "no URL on the direct way": (
        lambda c: (
            c.pop("credential"),
            c["dispatch"].update(direct=True, pacing="delay"),
            c["submit"].pop("callback_url"),
        ),
        "`dispatch.direct`: `submit.callback_url` must be a field at the top level",
    ),
    "a nested callback URL in a form": (
        lambda c: c["submit"].update(body="form", callback_url="a.b"),
        "`submit.callback_url`: a form has no objects; name a field without dots",
    ),
    "a job ID from nowhere": (
        lambda c: c["submit"].update(job_id={"cookie": "id"}),
        "`submit.job_id`: {'cookie': 'id'} is no place of a job ID; write a dotted path of the answer",
    ),
    "a callback URL to nowhere": (
        lambda c: c["submit"].update(callback_url=7),
        "`submit.callback_url`: 7 is no place of the callback URL; write a dotted path of the request",
    ),
    "a form that is a list": (
        lambda c: c["callback"].update(body="form", events=""),
        "`callback.events`: form is no list itself; name the field or element that has the events",
    ),
    "a charset beside that of XML": (
        lambda c: c["callback"].update(body="xml", charset="koi8-r"),
        "`callback.charset`: xml says its own; remove it",
    ),
    "words without a status": (
        lambda c: c["callback"].pop("status"),
        "`callback.success`, `callback.failure`, `callback.progress` without `callback.status`: say where the status",
    ),
    "a status that never means success": (
        lambda c: c["callback"].pop("success"),
        "`callback.success` is missing: say which statuses end a job well",
    ),
    "a word that means two things": (
        lambda c: c["callback"].update(ignored=["canceled"]),
        "`callback.failure` and `callback.ignored` both have 'canceled'; remove it from one",
    ),
    "a poll for a result that came along": (
        lambda c: c.update(result={"source": "callback"}),
        "`poll`: a job that is polled has called nobody back; fetch its `result`",
    ),
    "nobody who says when a job has ended": (
        lambda c: (c.pop("callback"), c.pop("poll")),
        "`callback` and `poll` are missing, so that nobody would hear of a job's end; add one of them",
    ),
    "a callback URL for a vendor that calls nobody back": (
        lambda c: c.pop("callback"),
        "`submit.callback_url` without `callback`: say what a callback looks like, or remove it",
    ),
    "a result that comes with a callback that never comes": (
        lambda c: (c.pop("callback"), c["submit"].pop("callback_url"), c.update(result={"source": "callback"})),
        "`result.source` is `callback`, and there is no `callback`; fetch the result by `path`",
    ),
    "a body of SNS with somebody else's signature": (
        lambda c: c["callback"].update(body="sns"),
        "`callback.body` and `callback.verification` are both `sns`, or neither: SNS signs its own messages",
    ),
    "a poll that reads a body that is not there": (
        lambda c: c["poll"].update(method="HEAD"),
        "`poll.status`: the answer to HEAD has no body; remove it, or use GET",
    ),
    "a first poll after the last": (
        lambda c: c["poll"].update(after_s=901),
        "`poll.after_s` is 901; make it 900 (`waits.answer_s`) at most",
    ),
    "a poll on the direct way": (
        lambda c: (c.pop("credential"), c["dispatch"].update(direct=True, pacing="delay")),
        "`dispatch.direct`: no function notes a job to be polled; remove `poll`",
    ),
    "asking nowhere": (
        lambda c: c["submit"].update(ambiguity="ask", idempotency_field="reference"),
        "`submit.lookup` is missing: `ambiguity: ask` has to know where to ask; describe it, or set `reject`",
    ),
    "asking for what the vendor does not know": (
        lambda c: c["submit"].update(ambiguity="ask", lookup=LOOKUP),
        "`submit.ambiguity`: to `ask` for a job the vendor has to know our key; name an `idempotency_header` or an",
    ),
    "a lookup that nobody makes": (
        lambda c: c["submit"].update(idempotency_field="reference", lookup=LOOKUP),
        "`submit.lookup`: with `ambiguity: reject` nobody asks; set `ask`, or remove it",
    ),
    "a lookup of no job": (
        lambda c: c["submit"].update(lookup={**LOOKUP, "path": "/v1/jobs"}),
        "`submit.lookup.path`: '/v1/jobs' does not match",
    ),
    "a lookup by what we do not know": (
        lambda c: c["submit"].update(lookup={**LOOKUP, "path": "/v1/{job_id}?reference={idempotency_key}"}),
        "`submit.lookup.path`: '/v1/{job_id}?reference={idempotency_key}' does not match",
    ),
    "a lookup on the direct way": (
        lambda c: (
            c.pop("credential"),
            c["dispatch"].update(direct=True, pacing="delay"),
            c["submit"].update(ambiguity="ask", idempotency_header="Idempotency-Key", lookup=LOOKUP),
        ),
        "`dispatch.direct`: no function asks for a job; set `submit.ambiguity: reject`, and remove `submit.lookup`",
    ),
    "our key in a field on the direct way": (
        lambda c: (
            c.pop("credential"),
            c["dispatch"].update(direct=True, pacing="delay"),
            c["submit"].update(idempotency_field="reference"),
        ),
        "`dispatch.direct`: no function writes our key; remove `submit.idempotency_field`",
    ),
    "our key in an object of a form": (
        lambda c: c["submit"].update(body="form", idempotency_field="a.b"),
        "`submit.idempotency_field`: a form has no objects; name a field without dots",
    ),
    "a credential without a token": (
        lambda c: c["credential"].update(format="Bearer {name}"),
        "`credential.format`: 'Bearer {name}' does not match",
    ),
}
TUNING_MISTAKES: dict[str, tuple[Change, str]] = {
    "a delay below nothing": (lambda t: t.update(delay_ms=-1), "`delay_ms`: -1 is less than the minimum of 0"),
    "a delay that outlives a batch": (lambda t: t.update(delay_ms=20_001), "`delay_ms`: 20001 is greater than"),
    "no calls at all": (lambda t: t.update(rate_per_s=0), "`rate_per_s`: 0 is less than the minimum of 0.1"),
    "no headroom": (
        lambda t: t.update(headroom_ms=0),
        "`headroom_ms`: no headroom; make it auto, or whole milliseconds from 1 on",
    ),
    "more headroom than the fence allows for": (
        lambda t: t.update(headroom_ms=HEADROOM_LIMIT_MS + 1),
        "`headroom_ms`: longer than the proxy's throttle allows permits to be late; make it 250 at most",
    ),
    "a proof that is none": (
        lambda t: t.update(answers_prove_arrival="no"),
        "`answers_prove_arrival`: 'no' is not of type 'boolean'",
    ),
    "half a tuning": (lambda t: t.pop("rate_per_s"), "`(top level)`: 'rate_per_s' is a required property"),
    "a field nobody knows": (
        lambda t: t.update(rate=5),
        "`(top level)`: Additional properties are not allowed ('rate'",
    ),
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Copy the shipped configuration, to be spoilt."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "appconfig"))


def spoil(path: Path, change: Change) -> None:
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document))


def mistake(directory: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_vendors(directory)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_the_shipped_files_load() -> None:
    vendors = load_vendors(SHIPPED)
    assert [files.vendor.name for files in vendors] == sorted(path.stem for path in (SHIPPED / "vendors").iterdir())
    for files in vendors:
        tuning = Tuning.from_document(files.tuning)
        assert files.contract["vendor"] == files.vendor.name
        assert tuning.rate_per_s <= files.vendor.max_rps(Scope.SUBMIT)


def test_vendors_are_sorted_by_name(directory: Path) -> None:
    for folder in ("vendors", "tuning"):
        text = (directory / folder / "replicate.yaml").read_text()
        (directory / folder / "acme.yaml").write_text(text.replace("vendor: replicate", "vendor: acme"))
    assert [files.vendor.name for files in load_vendors(directory)] == ["acme", "replicate"]


@pytest.mark.parametrize(("change", "message"), CONTRACT_MISTAKES.values(), ids=CONTRACT_MISTAKES)
def test_a_mistake_in_a_contract_names_file_field_and_fix(directory: Path, change: Change, message: str) -> None:
    path = directory / "vendors" / "replicate.yaml"
    spoil(path, change)
    assert mistake(directory).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    "limit",
    [
        {"quantity": "jobs_in_flight", "amount": IN_FLIGHT_LIMIT},
        {"quantity": "calls", "amount": 8, "per_s": 3600, "scope": "submit"},
        {"quantity": "calls", "amount": 50, "per_s": 2, "scope": "poll"},
        {"quantity": "calls", "amount": 5, "per_s": 1, "scope": "any"},
        {"quantity": "calls", "amount": 5, "per_s": LEAST_WINDOW_S, "scope": "submit"},
    ],
)
def test_a_limit_may_stand_beside_others(directory: Path, limit: Any) -> None:
    path = directory / "vendors" / "replicate.yaml"
    spoil(path, lambda c: (c["limits"].append(limit), c["dispatch"].update(pacing="permits")))
    [files] = load_vendors(directory)
    assert len(files.contract["limits"]) == 3


@pytest.mark.parametrize("key", [{"idempotency_header": "X-Key"}, {"idempotency_field": "metadata.reference"}])
def test_a_vendor_that_knows_our_key_may_be_asked_for_the_job(directory: Path, key: dict[str, str]) -> None:
    path = directory / "vendors" / "replicate.yaml"
    spoil(path, lambda c: c["submit"].update(ambiguity="ask", lookup=LOOKUP, **key))
    [files] = load_vendors(directory)
    assert files.vendor.submit.lookup == Lookup(**LOOKUP)


def test_our_key_may_be_written_where_nobody_asks(directory: Path) -> None:
    path = directory / "vendors" / "replicate.yaml"
    spoil(path, lambda c: c["submit"].update(idempotency_field="metadata.reference"))
    [files] = load_vendors(directory)
    assert files.vendor.submit.idempotency_field == "metadata.reference"


@pytest.mark.parametrize(
    ("path", "granted"),
    [
        ("/v1/jobs/{job_id}", "/v1/jobs/*"),
        ("/v1/jobs?reference={idempotency_key}", "/v1/jobs"),
        ("/v1/by/{idempotency_key}/job?fields=id", "/v1/by/*/job"),
    ],
)
def test_who_may_call_a_path_may_put_any_id_into_it_and_any_query_behind_it(path: str, granted: str) -> None:
    assert granted_path(path) == granted


@pytest.mark.parametrize(("per_s", "trigger"), [(50, Trigger.EVENT_SOURCE), (51, Trigger.SCHEDULE)])
def test_the_trigger_follows_from_the_rate_where_the_file_says_nothing(
    directory: Path, per_s: int, trigger: Trigger
) -> None:
    path = directory / "vendors" / "replicate.yaml"
    spoil(path, lambda c: (c["limits"][0].update(per_s=per_s), c["dispatch"].pop("trigger")))
    [files] = load_vendors(directory)
    assert (files.vendor.dispatch.trigger, files.vendor.dispatch.trigger_is_set) == (trigger, False)
    spoil(path, lambda c: c["dispatch"].update(trigger="event_source"))
    [files] = load_vendors(directory)
    assert (files.vendor.dispatch.trigger, files.vendor.dispatch.trigger_is_set) == (Trigger.EVENT_SOURCE, True)


@pytest.mark.parametrize(("change", "message"), TUNING_MISTAKES.values(), ids=TUNING_MISTAKES)
def test_a_mistake_in_a_tuning_names_file_field_and_fix(directory: Path, change: Change, message: str) -> None:
    path = directory / "tuning" / "replicate.yaml"
    spoil(path, change)
    assert mistake(directory).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`(top level)`: None is not of type 'object'"),
        ("- replicate\n", "`(top level)`: ['replicate'] is not of type 'object'"),
        ("vendor: [\n", "not YAML: while parsing"),
        ("vendor: a\n  base_url: b\n", "not YAML: mapping values are not allowed here"),
    ],
)
def test_a_file_that_is_no_document_is_refused_in_one_line(directory: Path, text: str, message: str) -> None:
    path = directory / "vendors" / "replicate.yaml"
    path.write_text(text)
    assert mistake(directory).startswith(f"{path}: {message}")


def test_the_longest_headroom_may_be_set(directory: Path) -> None:
    spoil(directory / "tuning" / "replicate.yaml", lambda t: t.update(headroom_ms=HEADROOM_LIMIT_MS))
    [files] = load_vendors(directory)
    assert Tuning.from_document(files.tuning).headroom_ms == HEADROOM_LIMIT_MS


def test_a_vendor_without_a_tuning_has_the_one_that_its_contract_implies(directory: Path) -> None:
    (directory / "tuning" / "replicate.yaml").unlink()
    [files] = load_vendors(directory)
    assert Tuning.from_document(files.tuning) == Tuning.default_of(files.vendor)


def test_a_vendor_without_a_word_on_dispatch_has_permits_and_two_queues(directory: Path) -> None:
    path = directory / "vendors" / "replicate.yaml"
    contract = yaml.safe_load(path.read_text())
    del contract["dispatch"]
    path.write_text(yaml.safe_dump(contract))
    dispatch = load_vendors(directory)[0].vendor.dispatch
    assert (dispatch.pacing, dispatch.trigger, dispatch.batch_size) == (Pacing.PERMITS, Trigger.EVENT_SOURCE, 10)
    assert (dispatch.maximum_concurrency, dispatch.urgent_concurrency, dispatch.reserved_concurrency) == (2, 2, 4)


@pytest.mark.parametrize(("batch_size", "window_s"), [(10, 0), (11, 1), (4_350, 1)])
def test_a_batch_of_more_than_one_receive_has_a_window_where_the_file_says_nothing(
    directory: Path, batch_size: int, window_s: int
) -> None:
    path = directory / "vendors" / "replicate.yaml"
    spoil(path, lambda c: (c["dispatch"].update(batch_size=batch_size), c["dispatch"].pop("batching_window_s")))
    dispatch = load_vendors(directory)[0].vendor.dispatch
    assert (dispatch.batch_size, dispatch.batching_window_s) == (batch_size, window_s)


@pytest.mark.parametrize("path", sorted((CONFIGURATION / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_preset_can_be_used_as_it_ships(path: Path) -> None:
    assert load_contract(path)["vendor"] == path.stem


def test_a_directory_without_vendors_is_told_to_have_one(directory: Path) -> None:
    (directory / "vendors" / "replicate.yaml").unlink()
    message = f"{directory / 'vendors'}: no vendor there; add a contract file <vendor>.yaml"
    assert mistake(directory) == message


@pytest.mark.parametrize("name", ["vendor", "tuning"])
def test_a_schema_stays_within_what_appconfig_validates(name: str) -> None:
    document = schema(name)
    Draft4Validator.check_schema(document)
    assert document["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert len(json.dumps(document)) <= 32_768
    newer = {"const", "if", "then", "contains", "exclusiveMinimum", "propertyNames", "$defs", "examples", "readOnly"}
    assert not newer & _keys(document)


def test_schema_and_code_know_the_same_words_and_bounds() -> None:
    contract, tuning = schema("vendor")["properties"], schema("tuning")["properties"]
    assert set(contract["limits"]["items"]["properties"]["scope"]["enum"]) == set(Scope)
    assert set(contract["limits"]["items"]["properties"]["quantity"]["enum"]) == set(Quantity)
    assert set(contract["submit"]["properties"]["ambiguity"]["enum"]) == set(Ambiguity)
    assert set(contract["submit"]["properties"]) - {"throttled"} == {field.name for field in fields(Submit)}
    assert set(contract["submit"]["properties"]["lookup"]["properties"]) == {field.name for field in fields(Lookup)}
    assert set(contract["callback"]["properties"]) == {field.name for field in fields(Callback)}
    assert set(contract["poll"]["properties"]) - {"throttled"} == {field.name for field in fields(Poll)}
    assert set(contract["callback"]["properties"]["body"]["enum"]) == set(BodyFormat)
    assert contract["callback"]["properties"]["charset"]["enum"] == list(CHARSETS)
    assert set(contract["submit"]["properties"]["body"]["enum"]) == set(BodyFormat) - {BodyFormat.SNS, BodyFormat.XML}
    assert set(contract["dispatch"]["properties"]["trigger"]["enum"]) == set(Trigger)
    assert set(contract["dispatch"]["properties"]["pacing"]["enum"]) == set(Pacing)
    assert set(tuning) == {field.name for field in fields(Tuning)} - {"day_amount"} | {"cap"}
    named, described, of_account = contract["callback"]["properties"]["verification"]["anyOf"]
    assert set(of_account["properties"]["preset"]["enum"]) == set(PRESETS)
    assert set(named["enum"]) == set(SCHEMES)
    assert set(described["properties"]) == {field.name for field in fields(Signature)}
    assert set(described["properties"]["algorithm"]["enum"]) == set(Algorithm)
    assert set(described["properties"]["key_encoding"]["enum"]) == set(Encoding)
    assert set(described["properties"]["encoding"]["enum"]) == set(Encoding) - {Encoding.UTF8, Encoding.PEM}
    assert tuning["delay_ms"]["maximum"] == LONGEST_DELAY_S * 1_000
    assert tuning["headroom_ms"]["allOf"][1]["anyOf"] == [{"enum": [AUTO]}, {"maximum": HEADROOM_LIMIT_MS}]
    assert contract["dispatch"]["properties"]["batch_size"]["maximum"] == LARGEST_BATCH_COUNT
    windows = [rule for rule in contract["limits"]["items"]["allOf"] if "per_s` is below" in rule["description"]]
    assert [rule["anyOf"] for rule in windows] == [[{"properties": {"per_s": {"minimum": LEAST_WINDOW_S}}}]]


def _keys(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set(node) | {key for value in node.values() for key in _keys(value)}
    if isinstance(node, list):
        return {key for value in node for key in _keys(value)}
    return set()


@pytest.mark.parametrize("stage", ["", "Prod", "pre-prod", "1st", "dev\n", "integration12"])
def test_a_stage_whose_name_roles_and_stacks_cannot_carry_is_refused(stage: str) -> None:
    with pytest.raises(ConfigurationError, match="12 lower-case characters and digits at most, no digit first"):
        checked_stage(stage)
    assert checked_stage("integration1") == "integration1"


HTTP = ["http://api.example", "http://api.example:8080/v1", "http://localhost.example", "http://127.0.0.1.example"]
HTTP += ["http://10.0.0.7", "http://0.0.0.0", "http://[2001:db8::1]", "http://host.docker.internal"]
LOOPBACK = ["http://127.0.0.1:9100", "http://127.8.9.1", "http://localhost:9100/v1", "http://[::1]:9100"]
PLACES: dict[str, Change] = {
    "credential": lambda c: c["submit"].pop("callback_key", None),
    "submit.callback_key": lambda c: (c.pop("credential"), c["submit"].update(callback_key="secret")),
}


def _with(tmp_path: Path, *changes: Change) -> Path:
    """Write the contract of the generic preset with changes."""
    contract = yaml.safe_load((CONFIGURATION / "presets" / "generic.yaml").read_text())
    contract["credential"] = {"header": "Authorization", "format": "Bearer {token}"}
    for change in changes:
        change(contract)
    path = tmp_path / f"{contract['vendor']}.yaml"
    path.write_text(yaml.safe_dump(contract))
    return path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("url", HTTP)
def test_a_secret_does_not_go_over_an_open_way(tmp_path: Path, url: str, place: str) -> None:
    path = _with(tmp_path, PLACES[place], lambda c: c.update(base_url=url))
    with pytest.raises(ConfigurationError) as refused:
        load_contract(path)
    assert str(refused.value).startswith(
        f"{path}: `base_url` is http, so that anybody on the way reads `{place}`; make"
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("url", [*LOOPBACK, "https://api.example"])
def test_a_secret_may_stay_on_this_machine_or_go_encrypted(tmp_path: Path, url: str, place: str) -> None:
    path = _with(tmp_path, PLACES[place], lambda c: c.update(base_url=url))
    assert load_contract(path)["base_url"] == url


def test_what_has_no_secret_may_go_over_an_open_way(tmp_path: Path) -> None:
    no_key = PLACES["credential"]
    assert load_contract(_with(tmp_path, no_key, lambda c: (c.pop("credential"), c.update(base_url=HTTP[0]))))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://name:password@api.example", "`base_url` has a user in it"),
        ("https://token@api.example/v1", "`base_url` has a user in it"),
        ("https://[api.example", "`base_url` is no URL"),
    ],
)
def test_a_base_url_has_no_secret_in_it(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_contract(_with(tmp_path, lambda c: c.update(base_url=url)))


def test_a_tuning_above_the_contract_is_deployed_at_the_contract(directory: Path) -> None:
    spoil(directory / "tuning" / "replicate.yaml", lambda t: t.update(rate_per_s=1_000))
    [files] = load_vendors(directory)
    assert files.tuning["rate_per_s"] == files.vendor.max_rps(Scope.SUBMIT)
