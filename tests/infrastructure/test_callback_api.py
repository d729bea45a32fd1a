"""The partner's door (hops 8 and 9): stored and answered by a template, with no function in between."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.contract.exchange import ACCEPTED, Acknowledgement, BodyFormat
from headway_lane.messages.envelope import mapping_template
from headway_lane.verification.schemes import scheme_of

from tests.infrastructure.conftest import PRESS

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates


def door_of(templates: "Templates", vendor_name: str) -> Any:
    """Return the properties of a vendor's callback method."""
    return templates.properties(f"{vendor_name}/Callbacks/Api/Default/callbacks/{vendor_name}/POST")


def test_every_vendor_that_calls_back_has_one_open_door_straight_into_its_queue(templates: "Templates") -> None:
    methods = [name for name in templates.of_type("AWS::ApiGateway::Method") if "/Callbacks/" in name]
    doors = [name for name in methods if not name.endswith("/OPTIONS")]
    assert doors == [f"{name}/Callbacks/Api/Default/callbacks/{name}/POST" for name, _ in templates.called_back]
    for name, _ in templates.called_back:
        method = door_of(templates, name)
        assert method["AuthorizationType"] == "NONE", "partners sign; they have no AWS identity"
        integration = method["Integration"]
        assert integration["Type"] == "AWS"
        assert ":lambda:" not in templates.say(integration["Uri"])
        assert templates.say(integration["Uri"]).endswith(f":sqs:path/<AWS::AccountId>/<{name}/CallbackQueue>")
        assert templates.say(integration["Credentials"]) == f"<{name}/Callbacks/Role>"


def test_what_no_template_fits_is_refused_instead_of_passed_through(templates: "Templates") -> None:
    for name, callback in templates.called_back:
        integration = door_of(templates, name)["Integration"]
        assert integration["PassthroughBehavior"] == "NEVER"
        expected = "multipart/form-data" if callback.body is BodyFormat.FORM else "application/x-ndjson"
        assert expected in integration["RequestTemplates"]
        assert integration["RequestTemplates"].keys() == set(callback.taken_content_types)


def test_the_raw_body_goes_into_the_message_url_encoded_and_in_no_other_way(templates: "Templates") -> None:
    for name, callback in templates.called_back:
        integration = door_of(templates, name)["Integration"]
        [template] = set(integration["RequestTemplates"].values())
        headers = scheme_of(callback.verification).headers
        assert template == mapping_template(name, headers)
        assert re.findall(r"\$input\.(?!params\()\w+", template) == ["$input.body"]
        assert template.count("MessageBody=$util.urlEncode($input.body)") == 1
        assert template.count(f"StringValue={name}") == 1
        asked = {name.lower() for name in re.findall(r"\$input\.params\('([^']+)'\)", template)}
        assert asked == {header.lower() for header in headers}, "the signature's headers, and no others"
        assert integration["ContentHandling"] == "CONVERT_TO_TEXT", "base64, so that no byte is patched"
        content_type = integration["RequestParameters"]["integration.request.header.Content-Type"]
        assert content_type == "'application/x-www-form-urlencoded'"


def test_a_stored_callback_is_answered_as_the_contract_says_and_a_full_or_broken_queue_is_said(
    templates: "Templates",
) -> None:
    for name, callback in templates.called_back:
        method = door_of(templates, name)
        answers = {answer.get("SelectionPattern"): answer for answer in method["Integration"]["IntegrationResponses"]}
        said = callback.acknowledgement
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


def test_vendors_that_say_nothing_of_it_are_answered_202_and_the_others_what_they_want(
    templates: "Templates",
) -> None:
    said = {name: callback.acknowledgement for name, callback in templates.called_back}
    assert said["replicate"] == said[PRESS] == ACCEPTED
    assert (ACCEPTED.status, json.loads(ACCEPTED.body)) == (202, {"status": "accepted"})
    assert said["call-desk"] == Acknowledgement(200, "[accepted]")


def test_every_body_is_taken_as_bytes_and_every_answer_as_text(templates: "Templates") -> None:
    for name, _ in templates.called_back:
        assert templates.properties(f"{name}/Callbacks/Api")["BinaryMediaTypes"] == ["*/*"]
        for answer in door_of(templates, name)["Integration"]["IntegrationResponses"]:
            assert answer["ContentHandling"] == "CONVERT_TO_TEXT", "a template cannot be applied to binary data"


def test_a_flood_is_throttled_before_it_costs_anything(templates: "Templates") -> None:
    for name, _ in templates.called_back:
        (setting,) = templates.properties(f"{name}/Callbacks/Api/DeploymentStage.v")["MethodSettings"]
        assert (setting["HttpMethod"], setting["ResourcePath"]) == ("*", "/*")
        assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (500, 1_000)


@pytest.mark.parametrize("word", ["body", "header", "querystring", "authorizer", 'path"', "extendedRequestId"])
def test_no_api_logs_what_a_request_carried(templates: "Templates", word: str) -> None:
    stages = templates.of_type("AWS::ApiGateway::Stage")
    assert len(stages) == len(templates.vendors) + len(templates.called_back)
    for name, stage in stages.items():
        assert word not in stage["AccessLogSetting"]["Format"], name
        assert all(setting["DataTraceEnabled"] is False for setting in stage["MethodSettings"]), name


def test_a_sender_that_asks_first_is_answered_by_the_contract_alone(templates: "Templates") -> None:
    doors = {
        name: method
        for name, method in templates.of_type("AWS::ApiGateway::Method").items()
        if name.endswith("/OPTIONS")
    }
    [(name, method)] = doors.items()
    assert name == "call-desk/Callbacks/Api/Default/callbacks/call-desk/OPTIONS"
    assert method["Integration"]["Type"] == "MOCK"
    [answer] = method["Integration"]["IntegrationResponses"]
    assert answer["ResponseParameters"] == {
        "method.response.header.WebHook-Allowed-Origin": "'events.call-desk.example'",
        "method.response.header.WebHook-Allowed-Rate": "'120'",
        "method.response.header.Allow": "'POST'",
    }
    [said] = method["MethodResponses"]
    assert set(said["ResponseParameters"]) == set(answer["ResponseParameters"])


def test_every_429_says_when_to_come_again(templates: "Templates") -> None:
    for name, _ in templates.called_back:
        [throttled] = templates.of_type("AWS::ApiGateway::GatewayResponse", name).values()
        assert (throttled["ResponseType"], throttled["StatusCode"]) == ("THROTTLED", "429")
        assert throttled["ResponseParameters"] == {"gatewayresponse.header.Retry-After": "'1'"}
