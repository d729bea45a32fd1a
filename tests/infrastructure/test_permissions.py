"""Least privilege: what each role may do and to what, as an exact table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway_cdk.parameters import logical_name
from headway_lane.contract.exchange import Fetched
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import Environment

from tests.infrastructure.conftest import CALLING

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
ANSWER = {"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"}
REQUEUE = {"sqs:SendMessage"}
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


def profile(vendor: Vendor, kind: str) -> str:
    name = logical_name(vendor.name)
    return (
        "arn:<AWS::Partition>:appconfig:<AWS::Region>:<AWS::AccountId>:application/<Configuration/Application>"
        f"/environment/<Configuration/Environment{name}>/configuration/<Configuration/{kind}{name}>"
    )


def proxy(vendor: Vendor, call: str) -> str:
    return f"arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<Lane-{vendor.name}/Proxy/Api>/v/{call}"


def claims(folder: str, vendor: Vendor) -> str:
    return f"<Claims>/{folder}/{vendor.name}/*"


def lane_grants(vendor: Vendor) -> dict[str, Grants]:
    lane, name = f"Lane-{vendor.name}", logical_name(vendor.name)
    call_vendor, dispatch_call = f"<{lane}/CallVendor/Machine>", f"<{lane}/DispatchCall/Machine>"
    contract, tuning = profile(vendor, "Contract"), profile(vendor, "Tuning")
    submit = proxy(vendor, f"{vendor.submit.method}{vendor.submit.path}")
    token = {f"<ApiToken{name}>": SECRET} if vendor.credential else {}
    settling = {"<Calls>": {READ, CHANGE}, "<Jobs>": {CHANGE}, call_vendor: ANSWER}
    in_flight = {CHANGE} if vendor.jobs_in_flight is not None else set()
    freeing = {"<Budgets>": in_flight} if in_flight else {}
    reservation = {contract: CONFIGURATION, tuning: CONFIGURATION, "<Budgets>": {READ, CREATE}}
    dispatching = {
        "<Calls>": {CREATE, READ},
        dispatch_call: {"states:StartExecution"},
        call_vendor: {"states:SendTaskFailure"},
        **reservation,
        "<Budgets>": {READ, CREATE} | in_flight,
    }
    invoke = {"lambda:InvokeFunction"}
    queues = [f"<RequestQueue{name}>", *([f"<UrgentQueue{name}>"] if vendor.dispatch.urgent_concurrency else [])]
    roles: dict[str, Grants] = {
        "CallVendor": {
            "*": EVERYWHERE,
            **{key: {"sqs:SendMessage"} for key in queues},
            f"<{lane}/Results/Function>": invoke,
            "<Calls>": {CHANGE},
        },
        "Dispatcher": {**dispatching, **dict.fromkeys(queues, CONSUME | REQUEUE)},
        "Drain": {**dispatching, **dict.fromkeys(queues, {"sqs:ReceiveMessage", "sqs:DeleteMessage"} | REQUEUE)},
        "Rejection": {
            "<Calls>": {READ, CHANGE},
            f"<RequestDlq{name}>": {"sqs:SendMessage"},
            call_vendor: {"states:SendTaskFailure"},
            **freeing,
        },
    }
    if isinstance(vendor.result, Fetched):
        polls = proxy(vendor, f"GET{vendor.result.path.format(job_id='*')}")
        roles["Results"] = {**reservation, polls: {"execute-api:Invoke"}, **token}
    else:
        answers = {claims("answers", vendor): {"s3:GetObject"}}
        roles["Results"] = {contract: CONFIGURATION, "<Jobs>": {READ}, **answers}
    roles["Results"] = {**roles["Results"], claims("results", vendor): {"s3:PutObject"}}
    if vendor.dispatch.direct:
        roles["Joining"] = {**settling, **freeing}
        roles["DispatchCall"] = {
            "*": EVERYWHERE,
            submit: {"execute-api:Invoke"},
            "<Calls>": {CHANGE},
            "<Jobs>": {CHANGE},
            f"<{lane}/Rejection/Function>": invoke,
            f"<{lane}/Joining/Function>": invoke,
        }
    else:
        both = {"<Budgets>": {READ, CREATE} | in_flight}
        requests = dict.fromkeys(queues, REQUEUE)
        key = {f"<WebhookKey{name}>": SECRET} if vendor.submit.callback_key else {}
        lookup = vendor.submit.lookup
        asking = {proxy(vendor, "GET" + lookup.path.partition("?")[0]): {"execute-api:Invoke"}} if lookup else {}
        way_out = {submit: {"execute-api:Invoke"}, **asking, **token, **key}
        checks = {f"<CheckQueue{name}>": {"sqs:SendMessage"}} if vendor.poll else {}
        payloads = {claims("requests", vendor): {"s3:GetObject"}}
        answers_too = {"<Jobs>": {READ, CHANGE}}  # a repeated call takes its predecessor's late answer
        roles["Caller"] = {
            **reservation,
            **way_out,
            **settling,
            **answers_too,
            **both,
            **requests,
            **checks,
            **payloads,
        }
        roles["DispatchCall"] = {
            "*": EVERYWHERE,
            f"<{lane}/Caller/Function>": invoke,
            f"<{lane}/Rejection/Function>": invoke,
        }
    if vendor.poll:
        polls = proxy(vendor, f"{vendor.poll.method}{vendor.poll.path.format(job_id='*')}")
        roles["Reconciler"] = {
            **reservation,
            **settling,
            "<Jobs>": {READ, CHANGE},
            "<Budgets>": {READ, CREATE} | in_flight,
            f"<CheckQueue{name}>": CONSUME | {"sqs:SendMessage"},
            polls: {"execute-api:Invoke"},
            **token,
        }
    for function in roles.keys() - {"CallVendor", "DispatchCall"}:
        roles[function] = {**roles[function], f"<{lane}/{function}/Log>": OWN_LOG}
    schedule = {f"{lane}/ScheduleRole": {f"<{lane}/Drain/Function>": invoke}}
    return {f"{lane}/{role}/Role": grants for role, grants in roles.items()} | schedule


def expected_grants(templates: "Templates") -> dict[str, Grants]:
    heard = [vendor for vendor in templates.vendors if vendor.callback]
    expected: dict[str, Grants] = {
        "Callbacks/Role": {"<CallbackQueue>": {"sqs:SendMessage"}},
        "Callback/Role": {
            "<Callback/Log>": OWN_LOG,
            "<CallbackQueue>": CONSUME | {"sqs:SendMessage"},
            "<CallbackDlq>": {"sqs:SendMessage"},
            "<Calls>": {READ, CHANGE},
            "<Jobs>": {READ, CHANGE},
            **({"<Budgets>": {CHANGE}} if any(vendor.jobs_in_flight is not None for vendor in heard) else {}),
            **{profile(vendor, "Contract"): CONFIGURATION for vendor in heard},
            **{f"<WebhookKey{logical_name(vendor.name)}>": SECRET for vendor in heard},
            **{f"<Lane-{vendor.name}/CallVendor/Machine>": ANSWER for vendor in heard},
            **{claims("answers", vendor): {"s3:PutObject"} for vendor in heard},
        },
    }
    for vendor in templates.vendors:
        expected |= lane_grants(vendor)
    return expected


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
    expected = expected_grants(templates)
    found = granted(templates)
    assert found.keys() == expected.keys()
    for role, grants in expected.items():
        assert found[role] == grants, role


def test_no_action_is_a_wildcard_and_no_resource_is_but_log_delivery_tracing_the_job_id_and_claim_checks(
    templates: "Templates",
) -> None:
    wild = set()
    for role, grants in granted(templates).items():
        for resource, actions in grants.items():
            assert not [action for action in actions if "*" in action], role
            if "*" in resource:
                wild.add((role, resource))
    expected = set()
    for vendor in templates.vendors:
        results = f"Lane-{vendor.name}/Results/Role"
        expected |= {(results, claims("results", vendor))}
        if not isinstance(vendor.result, Fetched):
            expected |= {(results, claims("answers", vendor))}
        if not vendor.dispatch.direct:
            expected |= {(f"Lane-{vendor.name}/Caller/Role", claims("requests", vendor))}
        if vendor.callback:
            expected |= {("Callback/Role", claims("answers", vendor))}
        if isinstance(vendor.result, Fetched):
            polls = proxy(vendor, f"GET{vendor.result.path.format(job_id='*')}")
            expected |= {(results, polls)}
        if vendor.poll:
            polls = proxy(vendor, f"{vendor.poll.method}{vendor.poll.path.format(job_id='*')}")
            expected |= {(f"Lane-{vendor.name}/Reconciler/Role", polls)}
        expected |= {(f"Lane-{vendor.name}/{machine}/Role", "*") for machine in ("CallVendor", "DispatchCall")}
    assert wild == expected


def test_only_who_holds_the_vendors_answer_may_resume_a_waiting_task(another: "Templates") -> None:
    resumers = {
        role
        for role, grants in granted(another).items()
        if any("states:SendTaskSuccess" in actions for actions in grants.values())
    }
    callers = {f"Lane-{name}/Caller/Role" for name in ("call-desk", "night-desk", "replicate")}
    reconcilers = {f"Lane-{name}/Reconciler/Role" for name in ("night-desk", "replicate")}
    assert resumers == {"Callback/Role", "Lane-slow-press/Joining/Role", *callers, *reconcilers}


def test_permits_are_reserved_by_who_calls_the_vendor_and_nobody_deletes_or_lists_a_reservations(
    another: "Templates",
) -> None:
    users = {role: grants["<Budgets>"] for role, grants in granted(another).items() if "<Budgets>" in grants}
    assert not [role for role, actions in users.items() if actions - {READ, CREATE, CHANGE}]
    dispatching = {f"Lane-{vendor.name}/{hop}/Role" for vendor in another.vendors for hop in ("Dispatcher", "Drain")}
    calling = {f"{hop}/Role" for hop in CALLING}
    assert {role for role, actions in users.items() if CREATE in actions} == dispatching | calling


def test_in_flight_permits_are_changed_by_who_takes_or_frees_them_and_only_where_a_contract_limits_jobs_in_flight(
    another: "Templates",
) -> None:
    holders = {role for role, grants in granted(another).items() if CHANGE in grants.get("<Budgets>", set())}
    hops = ("Dispatcher", "Drain", "Joining", "Rejection")
    assert holders == {"Callback/Role", *(f"Lane-slow-press/{hop}/Role" for hop in hops)}
    bound = {
        name.removesuffix("/Function")
        for name, function in another.of_type("AWS::Lambda::Function").items()
        if Environment.IN_FLIGHT_TABLE in function.get("Environment", {}).get("Variables", {})
    }
    assert {f"{name}/Role" for name in bound} == holders


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
    managed = [name for name, role in templates.of_type("AWS::IAM::Role").items() if "ManagedPolicyArns" in role]
    assert managed == ["Callbacks/Api/CloudWatchRole"], "AWS asks for a managed policy there and nowhere else"


def test_who_asks_for_a_job_by_our_key_in_the_query_may_call_that_path_and_no_other(another: "Templates") -> None:
    calls = {
        resource.rpartition("/v/")[2]
        for resource, actions in granted(another)["Lane-call-desk/Caller/Role"].items()
        if "execute-api:Invoke" in actions
    }
    assert calls == {"POST/calls", "GET/calls"}
