"""The presets that ship: each reads its vendor's own examples, and the simulator's writing passes its verification."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import yaml
from headway_cdk.configuration import load_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.callback import event
from headway_lane.contract.exchange import Callback
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.errors import Forged
from headway_lane.vendor_api.job_status import finding_of
from headway_lane.vendor_api.submission import job_id_of, submission_of
from headway_lane.verification.schemes import scheme_of

from headway.simulator.keys import VendorKeys
from headway.simulator.signed_callback import write

PRESETS = CONFIGURATION / "presets"
NAMES = sorted(path.stem for path in PRESETS.glob("*.yaml"))
URL = "https://callbacks.example/callbacks/vendor"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def document_of(name: str) -> Mapping[str, Any]:
    return load_contract(PRESETS / f"{name}.yaml")


def vendor_of(name: str) -> Vendor:
    return Vendor.from_document(document_of(name))


CALLED_BACK = [name for name in NAMES if vendor_of(name).callback]
POLLED = sorted(set(NAMES) - set(CALLED_BACK))


def callback_of(name: str) -> Callback:
    callback = vendor_of(name).callback
    assert callback is not None
    return callback


def example_of(name: str) -> Mapping[str, Any]:
    example: Mapping[str, Any] = yaml.safe_load((PRESETS / "examples" / f"{name}.yaml").read_text())
    return example


def test_every_preset_has_examples_and_no_example_is_without_a_preset() -> None:
    assert {path.stem for path in (PRESETS / "examples").glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_presets_answer_has_the_job_id_where_the_contract_says(name: str) -> None:
    example = example_of(name)
    said = example["answer"]
    answer = httpx.Response(201, json=said.get("body"), headers=said.get("headers"))
    assert job_id_of(vendor_of(name), answer) == example["job_id"]


@pytest.mark.parametrize("name", CALLED_BACK)
def test_a_presets_callbacks_say_what_the_vendor_means(name: str) -> None:
    example, callback = example_of(name), callback_of(name)
    said = []
    for sent in example["callbacks"]:
        [one] = event.read(callback, sent["body"].encode()).events
        said.append(one.kind)
        assert one.job_id == ("" if one.kind is event.EventKind.IGNORED else example["job_id"])
    assert said == [sent["says"] for sent in example["callbacks"]]
    listed = {"success": True, "failure": callback.failure, "progress": callback.progress, "ignored": callback.ignored}
    assert set(said) >= {kind for kind, words in listed.items() if words} - {"ignored"}, "an example of each list"


@pytest.mark.parametrize("name", POLLED)
def test_the_answers_to_a_presets_polls_say_what_the_vendor_means(name: str) -> None:
    poll = vendor_of(name).poll
    assert poll is not None
    polls = example_of(name)["polls"]
    assert polls
    assert [finding_of(poll, httpx.Response(sent["status"])).standing for sent in polls] == [
        sent["says"] for sent in polls
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_presets_submit_can_be_written(name: str) -> None:
    order = submission_of(vendor_of(name), {"input": "text"}, "key-1", URL, "secret")
    assert (order.json is None) != (order.form is None)


def signed(name: str, key: str) -> tuple[bytes, dict[str, str]]:
    """Return a callback of the vendor as the simulator writes it; header names in lower case, as they come in."""
    item = {"NotificationRequestItem": {"pspReference": "job-1", "success": "true"}} if name == "adyen" else {}
    dead_letter = write(callback_of(name), key, "msg_1", item or {"id": "job-1"}, URL, NOW)
    return dead_letter.content, {header.lower(): value for header, value in dead_letter.headers.items()}


@pytest.mark.parametrize("name", CALLED_BACK)
def test_what_the_simulator_signs_is_verified_and_another_key_is_not(name: str) -> None:
    verification = callback_of(name).verification
    key, other = (keys.webhook_key(verification) for keys in (VendorKeys.generate(), VendorKeys.generate()))
    body, headers = signed(name, key)
    verify = scheme_of(verification).verify
    verify(body, headers, [other, key], NOW.timestamp(), URL)
    with pytest.raises(Forged):
        verify(body, headers, [other], NOW.timestamp(), URL)
    with pytest.raises(Forged):
        verify(body, headers, [], NOW.timestamp(), URL)
