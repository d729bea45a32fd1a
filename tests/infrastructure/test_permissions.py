"""Least privilege: what each role may do and to what, as an exact table."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.exchange import Fetched
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import EXECUTION_INDEX
from headway_lane.runtime.names import CANCEL_PREFIX, Environment

from tests.infrastructure import arns
from tests.infrastructure.conftest import PRESS, STAGE

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

Grants = Mapping[str, set[str]]
"""Resource -> actions."""

READ = "dynamodb:GetItem"
CREATE = "dynamodb:PutItem"
CHANGE = "dynamodb:UpdateItem"
OWN_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONFIGURATION = {"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"}
SECRET = {"secretsmanager:GetSecretValue"}
RESUME = "states:SendTaskSuccess"
FAIL = "states:SendTaskFailure"
BEAT = "states:SendTaskHeartbeat"
SEND = {"sqs:SendMessage"}
INVOKE = {"lambda:InvokeFunction"}
CALL = {"execute-api:Invoke"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
EVERYWHERE = {  # neither log delivery nor X-Ray has resources to name
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
}


def call_vendor_grants(vendor: Vendor) -> Grants:
    """It asks, pauses, and waits for the result."""
    name = vendor.name
    return {
        "*": EVERYWHERE,
        **dict.fromkeys(request_queues(vendor), SEND),
        arns.queue(name, "ResultsQueue"): SEND,
    }


def dispatch_call_grants(vendor: Vendor) -> Grants:
    """It has one call made and settled; on the direct way it makes the call, writes down what became of it, and looks
    why it may not make it.
    """
    name = vendor.name
    settler = {"*": EVERYWHERE, arns.function(name, "settler"): INVOKE}
    if not vendor.dispatch.direct:
        return {**settler, arns.function(name, "caller"): INVOKE}
    noting = {arns.table(name, "Calls"): {READ, CHANGE}, arns.table(name, "Jobs"): {CHANGE}}
    return {**settler, **noting, submit_path(vendor): CALL}


def dispatcher_grants(vendor: Vendor) -> Grants:
    """It takes requests from the queues, writes them down or lets another attempt take over what is there, reserves
    permits, sees whether there is room in flight, starts attempts, requeues what has to wait, asks tasks whether they
    still wait, and fails those whose request cannot be read.
    """
    name = vendor.name
    return merged(
        dict.fromkeys(request_queues(vendor), CONSUME | SEND),
        {arns.table(name, "Calls"): {CREATE, CHANGE}},
        profiles(vendor, "Contract", "Tuning"),
        reserving(vendor) if vendor.dispatch.by_permits else {},
        in_flight(vendor, READ),
        {arns.machine(name, "dispatch-call"): {"states:StartExecution"}},
        tasks(vendor, FAIL, BEAT),
    )


def caller_grants(vendor: Vendor) -> Grants:
    """It calls the vendor, looks up what an earlier attempt has left, settles what came early, requeues what was
    refused for now, and orders a check. Plain pacing leaves it no turns of submits to wait for.
    """
    name, submit, permits = vendor.name, vendor.submit, vendor.dispatch.by_permits
    tells_failures = any(said and said.failure for said in (vendor.callback, vendor.poll))
    return merged(
        profiles(vendor, "Contract"),
        token(vendor),
        profiles(vendor, "Tuning") if permits or submit.lookup else {},
        reserving(vendor) if permits or (submit.lookup and counts_polls(vendor)) else {},
        in_flight(vendor, READ, CHANGE),
        {submit_path(vendor): CALL},
        {arns.proxy(name, "GET" + submit.lookup.path.partition("?")[0]): CALL} if submit.lookup else {},
        {f"<{name}/WebhookKey>": SECRET} if submit.callback_key else {},
        {arns.claims(name, "requests"): {"s3:GetObject"}},
        settling(vendor),
        tasks(vendor, BEAT, *([FAIL] if tells_failures else [])),
        dict.fromkeys(request_queues(vendor), SEND),
        {arns.queue(name, "ResultsQueue"): SEND} if vendor.poll else {},
    )


def settler_grants(vendor: Vendor) -> Grants:
    """It rejects what failed for good, and requeues what could not be tried; on the direct way, where no caller does,
    it joins early answers to calls.
    """
    name = vendor.name
    return merged(
        {arns.table(name, "Calls"): {READ, CHANGE}},
        {arns.queue(name, "RequestDlq"): SEND},
        dict.fromkeys(request_queues(vendor), SEND),
        tasks(vendor, FAIL),
        in_flight(vendor, CHANGE),
        settling(vendor) if vendor.dispatch.direct else {},
    )


def results_grants(vendor: Vendor) -> Grants:
    """It fetches results, or takes them from where the callback left them, and hands them to their tasks; and it asks
    what became of jobs that are polled, which it settles or checks again. It calls off what a stopped execution leaves.
    """
    name = vendor.name
    if isinstance(vendor.result, Fetched):
        getting = merged(asking(vendor), {path_of_jobs(vendor, "GET", vendor.result.path): CALL})
    else:
        getting = {
            **profiles(vendor, "Contract"),
            arns.table(name, "Jobs"): {READ},
            arns.claims(name, "answers"): {"s3:GetObject"},
        }
    checking: Grants = {}
    if vendor.poll:
        checking = merged(
            asking(vendor),
            {path_of_jobs(vendor, vendor.poll.method, vendor.poll.path): CALL},
            settling(vendor),
            tasks(vendor, FAIL, BEAT),
            {arns.table(name, "Jobs"): {READ}},
        )
    cancelling: Grants = {}
    if vendor.cancel:
        cancelling = merged(
            asking(vendor),
            {path_of_jobs(vendor, vendor.cancel.method, CANCEL_PREFIX + vendor.cancel.path): CALL},
            {arns.index(name, "Calls", EXECUTION_INDEX): {"dynamodb:Query"}},
            {arns.table(name, "Calls"): {READ, CHANGE}, arns.table(name, "Jobs"): {READ}},
            in_flight(vendor, CHANGE),
        )
    return merged(
        getting,
        checking,
        cancelling,
        {arns.claims(name, "results"): {"s3:PutObject"}},
        {arns.queue(name, "ResultsQueue"): CONSUME | SEND},
        tasks(vendor, RESUME, FAIL, BEAT),
    )


def callback_grants(vendor: Vendor) -> Grants:
    """It verifies what came, and settles the call that it is for; what nobody can use goes aside, and what only newer
    code can read goes back.
    """
    name, said = vendor.name, vendor.callbacks()
    return merged(
        {arns.queue(name, "CallbackQueue"): CONSUME | SEND},
        {arns.queue(name, "CallbackDlq"): SEND},
        profiles(vendor, "Contract"),
        {f"<{name}/WebhookKey>": SECRET},
        settling(vendor),
        tasks(vendor, FAIL) if said.failure else {},
        merged(tasks(vendor, BEAT), {arns.table(name, "Jobs"): {READ}}) if said.progress else {},
        {arns.claims(name, "answers"): {"s3:PutObject"}},
    )


def settling(vendor: Vendor) -> Grants:
    """Hand a good answer to who waits for it, and free the in-flight permit that it held."""
    name = vendor.name
    return merged(
        {arns.table(name, "Calls"): {READ, CHANGE}, arns.table(name, "Jobs"): {CHANGE}},
        tasks(vendor, RESUME),
        in_flight(vendor, CHANGE),
    )


def tasks(vendor: Vendor, *actions: str) -> Grants:
    """Act on tasks that wait."""
    return {arns.machine(vendor.name, "call-vendor"): set(actions)}


def asking(vendor: Vendor) -> Grants:
    """Ask about a job, in a turn where a limit counts polls, and authenticate where the vendor wants it."""
    turns = reserving(vendor) if counts_polls(vendor) else {}
    return merged(profiles(vendor, "Contract", "Tuning"), turns, token(vendor))


def counts_polls(vendor: Vendor) -> bool:
    return any(limit.scope is not Scope.SUBMIT for limit in vendor.limits)


def profiles(vendor: Vendor, *kinds: str) -> Grants:
    """Read configuration."""
    return {arns.profile(vendor.name, kind): CONFIGURATION for kind in kinds}


def token(vendor: Vendor) -> Grants:
    return {f"<{vendor.name}/ApiToken>": SECRET} if vendor.credential else {}


def reserving(vendor: Vendor) -> Grants:
    """Reserve permits."""
    return {arns.table(vendor.name, "Budgets"): {READ, CREATE}}


def in_flight(vendor: Vendor, *actions: str) -> Grants:
    """Free an in-flight permit, or see who holds one and take it, where the contract limits them."""
    return {arns.table(vendor.name, "Budgets"): set(actions)} if vendor.jobs_in_flight is not None else {}


def request_queues(vendor: Vendor) -> list[str]:
    names = ("RequestQueue", "UrgentQueue") if vendor.dispatch.urgent_concurrency else ("RequestQueue",)
    return [arns.queue(vendor.name, name) for name in names]


def submit_path(vendor: Vendor) -> str:
    return arns.proxy(vendor.name, f"{vendor.submit.method}{vendor.submit.path}")


def path_of_jobs(vendor: Vendor, verb: str, path: str) -> str:
    return arns.proxy(vendor.name, verb + path.format(job_id="*"))


def merged(*parts: Grants) -> Grants:
    """Return all grants, with the actions on one resource together."""
    together: dict[str, set[str]] = {}
    for part in parts:
        for resource, actions in part.items():
            together[resource] = together.get(resource, set()) | actions
    return together


def lane_grants(vendor: Vendor) -> dict[str, Grants]:
    """Return the grants of a vendor's roles."""
    functions = {
        "Dispatcher": dispatcher_grants(vendor),
        "Settler": settler_grants(vendor),
        "Results": results_grants(vendor),
        **({} if vendor.dispatch.direct else {"Caller": caller_grants(vendor)}),
        **({"Callback": callback_grants(vendor)} if vendor.callback else {}),
    }
    roles = {
        "CallVendor/Role": call_vendor_grants(vendor),
        "DispatchCall/Role": dispatch_call_grants(vendor),
        **{
            f"{function}/Role": merged(grants, {f"<{vendor.name}/{function}/Log>": OWN_LOG})
            for function, grants in functions.items()
        },
    }
    if vendor.callback:
        roles["Callbacks/Role"] = {arns.queue(vendor.name, "CallbackQueue"): SEND}
    if vendor.dispatch.trigger is Trigger.SCHEDULE:
        roles["ScheduleRole"] = {f"<{vendor.name}/Dispatcher/Function>": INVOKE}
    return {f"{vendor.name}/{role}": grants for role, grants in roles.items()}


def granted(templates: "Templates") -> dict[str, Grants]:
    """Return what the template's policies allow, by role."""
    roles: dict[str, dict[str, set[str]]] = {}
    for policy in templates.of_type("AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            grants = roles.setdefault(templates.say(role).strip("<>"), {})
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                assert statement.keys() <= {"Effect", "Action", "Resource"}
                actions, resources = statement["Action"], statement["Resource"]
                for resource in resources if isinstance(resources, list) else [resources]:
                    grants.setdefault(templates.say(resource), set()).update(
                        actions if isinstance(actions, list) else [actions]
                    )
    return dict(roles)


def test_every_role_may_do_exactly_what_its_hop_needs(templates: "Templates") -> None:
    expected: dict[str, Grants] = {"base/AlarmRole": {"*": {"cloudwatch:DescribeAlarms"}}}
    for vendor in templates.vendors:
        expected |= lane_grants(vendor)
    found = granted(templates)
    assert found.keys() == expected.keys()
    for role, grants in expected.items():
        assert found[role] == grants, role


def test_no_role_can_name_what_is_another_vendors(templates: "Templates") -> None:
    for role, grants in granted(templates).items():
        owner = role.partition("/")[0]
        named = {
            f"headway-{STAGE}-{owner}-{part}"
            for part in ("call-vendor", "dispatch-call", "results", "caller", "settler")
        }
        for resource in grants:
            if resource == "*":
                continue
            references = re.findall(r"<([^<>]+)>", resource)
            owners = {name.partition("/")[0] for name in references if not name.startswith("AWS::")}
            words = set(re.findall(r"headway-[\w-]+", re.sub(r"<[^<>]+>", "", resource)))
            assert owners <= {owner}, f"{role} may use {resource}"
            assert words <= named, f"{role} may use {resource}"
            assert owners or words, f"{role} may use {resource}, which is no vendor's"


def test_nothing_but_its_policy_gives_a_role_anything_and_no_role_is_another_accounts_or_anybodys(
    templates: "Templates",
) -> None:
    roles = templates.of_type("AWS::IAM::Role")
    assert not [name for name, role in roles.items() if "Policies" in role]
    managed = [name for name, role in roles.items() if "ManagedPolicyArns" in role]
    assert managed == ["base/LoggingRole"], "AWS asks for a managed policy there and nowhere else"
    kinds = ("AWS::IAM::ManagedPolicy", "AWS::Lambda::Permission", "AWS::SecretsManager::ResourcePolicy")
    assert not [name for kind in kinds for name in templates.of_type(kind)]
    for name, role in roles.items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRole", name
        assert statement["Principal"].keys() == {"Service"}, name


def test_no_action_is_a_wildcard_and_no_resource_is_but_logs_tracing_alarms_the_job_id_and_claim_checks(
    templates: "Templates",
) -> None:
    wild = set()
    for role, grants in granted(templates).items():
        for resource, actions in grants.items():
            assert not [action for action in actions if "*" in action], role
            if "*" in resource:
                wild.add((role, resource))
    expected = {("base/AlarmRole", "*")}
    for vendor in templates.vendors:
        name, results = vendor.name, f"{vendor.name}/Results/Role"
        expected |= {(results, arns.claims(name, "results"))}
        if not isinstance(vendor.result, Fetched):
            expected |= {(results, arns.claims(name, "answers"))}
        if not vendor.dispatch.direct:
            expected |= {(f"{name}/Caller/Role", arns.claims(name, "requests"))}
        if vendor.callback:
            expected |= {(f"{name}/Callback/Role", arns.claims(name, "answers"))}
        if isinstance(vendor.result, Fetched):
            expected |= {(results, path_of_jobs(vendor, "GET", vendor.result.path))}
        if vendor.poll:
            expected |= {(results, path_of_jobs(vendor, vendor.poll.method, vendor.poll.path))}
        if vendor.cancel:
            path = CANCEL_PREFIX + vendor.cancel.path
            expected |= {(results, path_of_jobs(vendor, vendor.cancel.method, path))}
        expected |= {(f"{name}/{machine}/Role", "*") for machine in ("CallVendor", "DispatchCall")}
    assert wild == expected


def test_only_who_holds_the_vendors_answer_may_resume_a_waiting_task(templates: "Templates") -> None:
    resumers = {
        role
        for role, grants in granted(templates).items()
        if any("states:SendTaskSuccess" in actions for actions in grants.values())
    }
    callbacks = {f"{name}/Callback/Role" for name in ("call-desk", "replicate", PRESS)}
    callers = {f"{name}/Caller/Role" for name in ("call-desk", "night-desk", "replicate")}
    results = {f"{vendor.name}/Results/Role" for vendor in templates.vendors}
    assert resumers == {f"{PRESS}/Settler/Role", *callbacks, *callers, *results}


def test_permits_are_reserved_by_who_takes_turns_that_a_limit_counts_and_nobody_deletes_or_lists_reservations(
    templates: "Templates",
) -> None:
    users = users_of_budgets(templates)
    assert not [role for role, actions in users.items() if actions - {READ, CREATE, CHANGE}]
    by_permits = {
        f"{name}/{hop}/Role" for name in ("call-desk", "night-desk", "replicate") for hop in ("Dispatcher", "Caller")
    }
    counted_polls = {"night-desk/Results/Role", "replicate/Results/Role"}
    assert {role for role, actions in users.items() if CREATE in actions} == by_permits | counted_polls


def test_in_flight_permits_are_changed_by_who_takes_or_frees_them_and_only_where_a_contract_limits_jobs_in_flight(
    templates: "Templates",
) -> None:
    holders = {role for role, actions in users_of_budgets(templates).items() if CHANGE in actions}
    assert holders == {f"call-desk/{hop}/Role" for hop in ("Callback", "Caller", "Settler")}
    bound = {
        name.removesuffix("/Function")
        for name, function in templates.of_type("AWS::Lambda::Function").items()
        if Environment.IN_FLIGHT_TABLE in function.get("Environment", {}).get("Variables", {})
    }
    assert {f"{name}/Role" for name in bound} == {*holders, "call-desk/Dispatcher/Role"}, (
        "who looks whether there is room"
    )


def users_of_budgets(templates: "Templates") -> dict[str, set[str]]:
    """Return what each role may do to its vendor's budgets, for those that may do anything."""
    found = {
        role: grants.get(arns.table(role.partition("/")[0], "Budgets")) for role, grants in granted(templates).items()
    }
    return {role: actions for role, actions in found.items() if actions}


def test_each_role_serves_one_function_machine_or_service(templates: "Templates") -> None:
    users = [
        templates.say(properties[key])
        for kind, key in (("AWS::Lambda::Function", "Role"), ("AWS::StepFunctions::StateMachine", "RoleArn"))
        for properties in templates.of_type(kind).values()
    ]
    assert len(users) == len(set(users))
    principals = {
        name: role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        for name, role in templates.of_type("AWS::IAM::Role").items()
    }
    for name, properties in templates.of_type("AWS::Lambda::Function").items():
        assert principals[templates.say(properties["Role"]).strip("<>")] == "lambda.amazonaws.com", name


def test_what_runs_under_a_role_is_made_after_the_roles_policy(templates: "Templates") -> None:
    """Step Functions refuses a machine whose role cannot write its log, Lambda a mapping whose role cannot poll."""
    for kind in ("AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"):
        for name in templates.of_type(kind):
            policy = f"{name.rpartition('/')[0]}/Role/DefaultPolicy"
            assert policy in templates.resources[name]["DependsOn"], name


def test_who_asks_for_a_job_by_our_key_in_the_query_may_call_that_path_and_no_other(templates: "Templates") -> None:
    calls = {
        resource.rpartition("/v/")[2]
        for resource, actions in granted(templates)["call-desk/Caller/Role"].items()
        if "execute-api:Invoke" in actions
    }
    assert calls == {"POST/calls", "GET/calls"}
