"""The partner's door (hops 8 and 9): stored and answered by a template, with no function in between."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from functions.callback.envelope import mapping_template
from functions.callback.verification import scheme_of
from functions.contract.exchange import ACCEPTED, Acknowledgement, BodyFormat
from functions.contract.vendor import Vendor

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates


def door_of(templates: "Templates", vendor: Vendor) -> Any:
    """Return the properties of a vendor's callback method."""
    return templates.properties(f"Callbacks/Api/Default/callbacks/{vendor.name}/POST")


def test_every_vendor_has_one_open_door_straight_into_the_queue(templates: "Templates") -> None:
    doors = [name for name in templates.of_type("AWS::ApiGateway::Method") if name.startswith("Callbacks/")]
    assert doors == [f"Callbacks/Api/Default/callbacks/{vendor.name}/POST" for vendor in templates.vendors]
    for vendor in templates.vendors:
        method = door_of(templates, vendor)
        assert method["AuthorizationType"] == "NONE", "partners sign; they have no AWS identity"
        integration = method["Integration"]
        assert integration["Type"] == "AWS"
        assert ":lambda:" not in templates.say(integration["Uri"])
        assert templates.say(integration["Uri"]).endswith(":sqs:path/<AWS::AccountId>/<CallbackQueue.QueueName>")
        assert templates.say(integration["Credentials"]) == "<Callbacks/Role>"


def test_what_no_template_fits_is_refused_instead_of_passed_through(templates: "Templates") -> None:
    for vendor in templates.vendors:
        integration = door_of(templates, vendor)["Integration"]
        assert integration["PassthroughBehavior"] == "NEVER"
        form = vendor.callback.body is BodyFormat.FORM
        expected = "application/x-www-form-urlencoded" if form else "application/json"
        assert integration["RequestTemplates"].keys() == {expected}


def test_the_raw_body_goes_into_the_message_url_encoded_and_in_no_other_way(templates: "Templates") -> None:
    for vendor in templates.vendors:
        integration = door_of(templates, vendor)["Integration"]
        [template] = integration["RequestTemplates"].values()
        headers = scheme_of(vendor.callback.verification).headers
        assert template == mapping_template(vendor.name, headers)
        assert re.findall(r"\$input\.(?!params\()\w+", template) == ["$input.body"]
        assert template.count("MessageBody=$util.urlEncode($input.body)") == 1
        assert template.count(f"StringValue={vendor.name}") == 1
        asked = {name.lower() for name in re.findall(r"\$input\.params\('([^']+)'\)", template)}
        assert asked == {header.lower() for header in headers}, "the signature's headers, and no others"
        content_type = integration["RequestParameters"]["integration.request.header.Content-Type"]
        assert content_type == "'application/x-www-form-urlencoded'"


def test_a_stored_callback_is_answered_as_the_contract_says_and_a_full_or_broken_queue_is_said(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        method = door_of(templates, vendor)
        answers = {answer.get("SelectionPattern"): answer for answer in method["Integration"]["IntegrationResponses"]}
        said = vendor.callback.acknowledgement
        assert answers[None]["StatusCode"] == str(said.status)
        assert answers.pop(None)["ResponseTemplates"] == {"application/json": said.body}
        assert {pattern: answer["StatusCode"] for pattern, answer in answers.items() if pattern} == {
            r"4\d{2}": "400",
            r"5\d{2}": "503",
        }
        for answer in answers.values():
            body = answer["ResponseTemplates"]["application/json"]
            assert json.loads(body)["status"]
            assert "$" not in body, "nothing of the queue's answer leaks"
        assert {response["StatusCode"] for response in method["MethodResponses"]} == {str(said.status), "400", "503"}


def test_vendors_that_say_nothing_of_it_are_answered_202_and_the_others_what_they_want(another: "Templates") -> None:
    said = {vendor.name: vendor.callback.acknowledgement for vendor in another.vendors}
    assert said["replicate"] == said["slow-press"] == ACCEPTED
    assert (ACCEPTED.status, json.loads(ACCEPTED.body)) == (202, {"status": "accepted"})
    assert said["call-desk"] == Acknowledgement(200, "[accepted]")


def test_a_flood_is_throttled_before_it_costs_anything(templates: "Templates") -> None:
    (setting,) = templates.properties("Callbacks/Api/DeploymentStage.v")["MethodSettings"]
    assert (setting["HttpMethod"], setting["ResourcePath"]) == ("*", "/*")
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (500, 1_000)


@pytest.mark.parametrize("word", ["body", "header", "querystring", "authorizer", 'path"', "extendedRequestId"])
def test_no_api_logs_what_a_request_carried(templates: "Templates", word: str) -> None:
    stages = templates.of_type("AWS::ApiGateway::Stage")
    assert len(stages) == len(templates.vendors) + 1
    for name, stage in stages.items():
        assert word not in stage["AccessLogSetting"]["Format"], name
        assert all(setting["DataTraceEnabled"] is False for setting in stage["MethodSettings"]), name
