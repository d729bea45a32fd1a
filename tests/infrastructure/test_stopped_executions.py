"""Stopped executions: their lane hears of them where its contract can cancel, and of nothing else."""

import json
from typing import TYPE_CHECKING

from headway_lane.messages.cancel import Stop
from headway_lane.messages.results_queue import read
from headway_lane.runtime.names import CANCEL_PREFIX

from tests.infrastructure import arns
from tests.infrastructure.conftest import STAGE

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:orders:o-1"


def test_a_lane_hears_of_executions_that_somebody_stopped_where_its_vendor_can_cancel(templates: "Templates") -> None:
    rules = templates.of_type("AWS::Events::Rule")
    assert rules.keys() == {f"{vendor.name}/Stopped" for vendor in templates.vendors if vendor.cancel}
    assert rules, "the example can cancel"
    for name, rule in rules.items():
        vendor = name.partition("/")[0]
        assert rule["Name"] == f"headway-{STAGE}-{vendor}-stopped"
        assert rule["EventPattern"] == {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"status": ["ABORTED"]},  # what failed or timed out takes its late answer when it is redriven
        }
        [target] = rule["Targets"]
        assert templates.say(target["Arn"]) == arns.queue(vendor, "ResultsQueue")


def test_what_it_hears_is_a_message_of_the_results_queue(templates: "Templates") -> None:
    for rule in templates.of_type("AWS::Events::Rule").values():
        transformer = rule["Targets"][0]["InputTransformer"]
        [place] = transformer["InputPathsMap"]
        assert transformer["InputPathsMap"][place] == "$.detail.executionArn"
        assert f'"<{place}>"' not in transformer["InputTemplate"], "EventBridge adds the quotes of a text"
        body = transformer["InputTemplate"].replace(f"<{place}>", json.dumps(EXECUTION))
        assert read(body) == Stop(EXECUTION)


def test_the_results_queue_lets_the_rule_of_its_own_lane_in_and_nobody_else(templates: "Templates") -> None:
    let_in = {}
    for policy in templates.of_type("AWS::SQS::QueuePolicy").values():
        _, *allowed = policy["PolicyDocument"]["Statement"]
        for statement in allowed:
            assert statement["Effect"] == "Allow"
            assert (statement["Action"], statement["Principal"]) == (
                "sqs:SendMessage",
                {"Service": "events.amazonaws.com"},
            )
            assert statement["Condition"].keys() == {"ArnEquals"}
            [(name, arn)] = statement["Condition"]["ArnEquals"].items()
            assert name == "aws:SourceArn"
            let_in[templates.say(statement["Resource"])] = templates.say(arn)
    assert let_in == {
        f"<{vendor.name}/ResultsQueue>": (
            f"arn:<AWS::Partition>:events:{arns.HERE}:rule/headway-{STAGE}-{vendor.name}-stopped"
        )
        for vendor in templates.vendors
        if vendor.cancel
    }


def test_cancels_have_a_door_of_their_own_that_is_throttled_as_polls_are(templates: "Templates") -> None:
    for vendor in templates.vendors:
        if vendor.cancel is None:
            continue
        place = f"{CANCEL_PREFIX}/{{proxy+}}"
        method = templates.properties(f"{vendor.name}/Proxy/Api/Default{place}/{vendor.cancel.method}")
        assert method["AuthorizationType"] == "AWS_IAM"
        assert templates.say(method["Integration"]["Uri"]) == f"{vendor.base_url}/{{proxy}}"
        settings = templates.properties(f"{vendor.name}/Proxy/Api/DeploymentStage.v")["MethodSettings"]
        [throttle] = [one for one in settings if one["ResourcePath"] == f"/{place.replace('/', '~1')}"]
        assert (throttle["HttpMethod"], throttle["ThrottlingRateLimit"], throttle["ThrottlingBurstLimit"]) == (
            vendor.cancel.method,
            vendor.poll_fence.rate_per_s,
            vendor.poll_fence.burst_count,
        )
