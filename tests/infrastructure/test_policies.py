"""The policies of the templates, read by a linter of IAM that knows which actions and resources there are."""

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

ACCOUNT = "123456789012"
TOKEN_ACTIONS = {"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"}
"""The service authorization reference names no resource for these, and so neither does the linter. aws-cdk's
`grantTaskResponse` names the machine: AWS asks about the one that waits on the token.
"""
ALL_ALARMS = {"cloudwatch:DescribeAlarms"}
"""The AppConfig user guide, "Configuring permissions for automatic rollback", grants it on all."""


def findings_of(document: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what parliament says of a policy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import: pkg_resources is deprecated, and so are its escapes
        from parliament import analyze_policy_string
    policy = analyze_policy_string(json.dumps(document))
    return [(finding.issue, finding.detail) for finding in policy.findings]


def on_aws(templates: "Templates", value: Any) -> str:
    """Return a value of a policy with names in place of references."""
    text: str = templates.say(value)
    text = text.replace("<AWS::Partition>", "aws").replace("<AWS::Region>", "us-east-1")
    return text.replace("<AWS::AccountId>", ACCOUNT)


def resource_of(templates: "Templates", value: Any, actions: list[str]) -> str:
    """Return an ARN of the kind that the actions are for, where the template only refers to a resource."""
    text = on_aws(templates, value)
    service = actions[0].partition(":")[0]
    name = re.sub(r"[^A-Za-z0-9-]", "-", text.strip("<>"))
    if text == "*" or (text.startswith("arn:") and "<" not in text):
        return text
    kinds = {
        "dynamodb": f"table/{name}",
        "sqs": name,
        "lambda": f"function:{name}",
        "states": f"stateMachine:{name}",
        "secretsmanager": f"secret:{name}",
        "logs": f"log-group:{name}:log-stream:x",
    }
    if service == "s3":
        return f"arn:aws:s3:::claims/{name}"
    if text.startswith("arn:"):
        return re.sub(r"<[^>]*>", "x", text)
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{kinds[service]}"


def documents(templates: "Templates") -> dict[str, dict[str, Any]]:
    """Return the policies by their names, as IAM would have them."""
    found = {}
    for name, policy in templates.of_type("AWS::IAM::Policy").items():
        statements = []
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, resources = statement["Action"], statement["Resource"]
            actions = actions if isinstance(actions, list) else [actions]
            resources = resources if isinstance(resources, list) else [resources]
            named = [resource_of(templates, resource, actions) for resource in resources]
            statements.append({**statement, "Action": actions, "Resource": named})
        found[name] = {"Version": "2012-10-17", "Statement": statements}
    return found


def test_every_action_is_one_that_there_is_and_is_granted_on_what_it_is_for(templates: "Templates") -> None:
    said = {name: findings_of(document) for name, document in documents(templates).items()}
    assert said
    unexpected = {name: [finding for finding in findings if not excused(*finding)] for name, findings in said.items()}
    assert not {name: findings for name, findings in unexpected.items() if findings}


def excused(issue: str, detail: Any) -> bool:
    """Return whether the linter is wrong there, or stricter than AWS's guide; the witnesses are beside the names."""
    if issue == "RESOURCE_STAR":
        return set(detail) <= ALL_ALARMS
    actions = {found["action"] for found in detail} if isinstance(detail, list) else set()
    return issue == "RESOURCE_MISMATCH" and bool(actions) and actions <= TOKEN_ACTIONS


def test_the_linter_sees_an_action_that_there_is_not_and_one_on_the_wrong_resource() -> None:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"

    def issues(action: str, resource: str) -> set[str]:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        found = findings_of({"Version": "2012-10-17", "Statement": [statement]})
        return {issue for issue, detail in found if not excused(issue, detail)}

    assert issues("sqs:SendMesage", queue) == {"UNKNOWN_ACTION"}
    assert issues("dynamodb:GetItem", queue) == {"RESOURCE_MISMATCH"}
    assert not issues("sqs:SendMessage", queue)
