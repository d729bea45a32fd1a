"""A vendor's lane: what the embedded cloud accepts and does not enforce, asserted against the contract."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headway_cdk.names import pascal
from headway_cdk.parameters import poll_verbs
from headway_lane.contract.dispatch import Pacing, Trigger
from headway_lane.contract.exchange import Fetched
from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.timing import (
    EXPRESS_TIMEOUT_S,
    LONGEST_DELAY_S,
    LONGEST_REQUEUE_S,
    SETTLE_TASK_TIMEOUT_S,
    SETTLE_TIMEOUT_S,
)
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CREDENTIAL_HEADER, Environment

from tests.infrastructure import arns
from tests.infrastructure.conftest import CALLING, PRESS
from tests.infrastructure.settings_read import settings_read

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

LANE = {
    Environment.VENDOR,
    Environment.CALLS_TABLE,
    Environment.JOBS_TABLE,
    Environment.BUDGETS_TABLE,
    Environment.CONFIG_APPLICATION,
}
"""Where a function stands: every function that works for a lane is told, whether its own code asks or not."""


def mapping_of(templates: "Templates", vendor: Vendor, queue: str = "RequestQueue") -> Any:
    """Return the properties of the event source mapping on one of a vendor's queues."""
    (mapping,) = (
        mapping
        for mapping in templates.of_type("AWS::Lambda::EventSourceMapping").values()
        if templates.say(mapping["EventSourceArn"]) == arns.queue(vendor.name, queue)
    )
    return mapping


def submits_of(vendor: Vendor) -> Sequence[Limit]:
    """Return the limits that count submits."""
    return [limit for limit in vendor.limits if limit.scope in (Scope.SUBMIT, Scope.ANY)]


def throttles_of(templates: "Templates", vendor: Vendor) -> dict[str, tuple[float, int]]:
    """Return rate and burst of the proxy by method, `*` for those without their own."""
    stage = templates.properties(f"{vendor.name}/Proxy/Api/DeploymentStage.v")
    return {
        setting["HttpMethod"]: (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"])
        for setting in stage["MethodSettings"]
    }


def test_the_proxys_stage_is_throttled_to_the_contracts_fence_for_submits(templates: "Templates") -> None:
    for vendor in templates.vendors:
        rate_per_s, burst_count = throttles_of(templates, vendor)["*"]
        fence = vendor.fence(Scope.SUBMIT)
        assert fence is not None
        assert (rate_per_s, burst_count) == (fence.rate_per_s, fence.burst_count)


def test_the_fence_of_plain_pacing_holds_the_contract_in_every_window_whatever_the_dispatchers_do(
    templates: "Templates",
) -> None:
    vendor = templates.vendor(PRESS)
    assert vendor.dispatch.pacing is Pacing.DELAY
    rate_per_s, burst_count = throttles_of(templates, vendor)["*"]
    for limit in submits_of(vendor):
        assert rate_per_s * limit.per_s + burst_count <= limit.amount, f"{limit} can be broken"


def test_the_fence_of_permits_is_at_the_contracts_full_rate_so_that_no_permit_is_refused_by_it(
    templates: "Templates",
) -> None:
    shipped = templates.vendor("replicate")
    vendor = replace(shipped, dispatch=replace(shipped.dispatch, pacing=Pacing.PERMITS))
    fence = vendor.fence(Scope.SUBMIT)
    assert fence is not None
    assert (fence.rate_per_s, fence.burst_count) == (10, 3)
    assert all(limit.rate_per_s >= 10 for limit in submits_of(vendor)), "no more than the tightest limit over time"


def test_polls_have_a_throttle_of_their_own_by_method(templates: "Templates") -> None:
    vendor = templates.vendor("replicate")
    fence = vendor.fence(Scope.POLL)
    assert fence is not None
    assert throttles_of(templates, vendor)["GET"] == (fence.rate_per_s, fence.burst_count) == (50, 11)


def test_polls_that_no_limit_counts_are_not_slowed_to_the_submits_rate(templates: "Templates") -> None:
    vendor = templates.vendor(PRESS)
    assert vendor.fence(Scope.POLL) is None
    assert throttles_of(templates, vendor)["GET"] == (10_000, 5_000)


def test_only_callers_with_iam_get_through_the_proxy_and_each_method_goes_to_the_vendor_unchanged(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        for verb in (vendor.submit.method, *poll_verbs(vendor)):
            method = templates.properties(f"{vendor.name}/Proxy/Api/Default/{{proxy+}}/{verb}")
            assert method["AuthorizationType"] == "AWS_IAM"
            integration = method["Integration"]
            assert integration["Type"] == "HTTP_PROXY"
            assert integration["IntegrationHttpMethod"] == method["HttpMethod"] == verb
            assert templates.say(integration["Uri"]) == f"{vendor.base_url}/{{proxy}}"
            assert integration["TimeoutInMillis"] <= 29_000
            assert vendor.submit.timeout_s * 1_000 <= integration["TimeoutInMillis"]


def test_the_credential_travels_in_a_header_of_our_own_and_becomes_the_vendors_in_the_proxy(
    templates: "Templates",
) -> None:
    def headers(method: str) -> dict[str, str]:
        mapping = templates.properties(f"{method}")["Integration"]["RequestParameters"]
        return {key: value for key, value in mapping.items() if ".header." in key}

    credential = f"method.request.header.{CREDENTIAL_HEADER}"
    replicate = "replicate/Proxy/Api/Default/{proxy+}/POST"
    own = ("X-Amz-Security-Token", "X-Amz-Date", "X-Amz-Content-Sha256", CREDENTIAL_HEADER)
    hidden = {f"integration.request.header.{name}": "'none'" for name in own}
    assert headers(replicate) == {"integration.request.header.Authorization": credential, **hidden}
    assert headers(f"{PRESS}/Proxy/Api/Default/{{proxy+}}/PUT") == hidden


def test_timeouts_in_call_vendor_are_the_contracts_and_the_heartbeat_is_the_shorter(templates: "Templates") -> None:
    for vendor in templates.vendors:
        definition = templates.definition(f"{vendor.name}/CallVendor/Machine")
        callback, results = definition["States"]["CallVendor"], definition["States"]["FetchResult"]
        assert callback["TimeoutSeconds"] == vendor.call_timeout_s
        assert callback["HeartbeatSeconds"] == vendor.call_heartbeat_s < vendor.call_timeout_s
        assert results["TimeoutSeconds"] == vendor.fetch_timeout_s
        assert results["HeartbeatSeconds"] == vendor.fetch_heartbeat_s < vendor.fetch_timeout_s
        assert definition["TimeoutSeconds"] == vendor.workflow_timeout_s
        assert vendor.workflow_timeout_s > vendor.call_timeout_s + vendor.fetch_timeout_s
        assert templates.properties(f"{vendor.name}/Results/Function")["Timeout"] == vendor.results_timeout_s
        assert vendor.record_ttl_s > vendor.workflow_timeout_s


def test_a_task_that_waits_for_a_result_outlasts_the_longest_requeue_and_all_receives_of_its_message(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        queue = templates.properties(f"{vendor.name}/ResultsQueue")
        receives_s = queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"]
        assert vendor.fetch_heartbeat_s > LONGEST_REQUEUE_S + receives_s


def test_results_are_taken_one_by_one_by_as_many_functions_as_the_contract_needs(templates: "Templates") -> None:
    for vendor in templates.vendors:
        mapping = templates.properties(f"{vendor.name}/Results/Results")
        assert mapping["BatchSize"] == 1
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": vendor.results_concurrency}
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= vendor.results_concurrency <= 1_000
        assert vendor.results_concurrency >= vendor.lasting_rps * vendor.result.timeout_s


def test_no_task_of_dispatch_call_ends_before_its_function_does_and_none_after_an_express_workflows_five_minutes(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        lane = vendor.name
        definition = templates.definition(f"{lane}/DispatchCall/Machine")
        states = definition["States"]
        assert definition["TimeoutSeconds"] == EXPRESS_TIMEOUT_S <= 300
        assert states["RejectCall"]["TimeoutSeconds"] == SETTLE_TASK_TIMEOUT_S > SETTLE_TIMEOUT_S
        assert templates.properties(f"{lane}/Settler/Function")["Timeout"] == SETTLE_TIMEOUT_S
        if vendor.dispatch.direct:
            assert states["SettleCall"]["TimeoutSeconds"] == SETTLE_TASK_TIMEOUT_S
        else:
            assert states["CallVendor"]["TimeoutSeconds"] == vendor.caller_task_timeout_s > vendor.caller_timeout_s
            assert templates.properties(f"{lane}/Caller/Function")["Timeout"] == vendor.caller_timeout_s


def test_machines_have_the_type_they_need_and_log_events_without_their_data(templates: "Templates") -> None:
    machines = templates.of_type("AWS::StepFunctions::StateMachine")
    assert len(machines) == 2 * len(templates.vendors)
    for name, machine in machines.items():
        wanted = "EXPRESS" if name.endswith("/DispatchCall/Machine") else "STANDARD"
        assert machine["StateMachineType"] == wanted
        logging = machine["LoggingConfiguration"]
        assert logging["Level"] == "ALL"
        assert logging["IncludeExecutionData"] is False
        (destination,) = logging["Destinations"]
        log_group = name.replace("/Machine", "/Log")
        assert templates.say(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]) == f"<{log_group}>"


def test_the_dispatchers_mapping_has_the_contracts_batches_window_and_concurrency_and_reports_items(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        mapping, dispatch = mapping_of(templates, vendor), vendor.dispatch
        assert mapping["BatchSize"] == dispatch.batch_size
        assert mapping["MaximumBatchingWindowInSeconds"] == dispatch.batching_window_s
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": dispatch.maximum_concurrency}
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        unless_paused = {"Fn::If": [f"IsPaused{pascal(vendor.name)}", False, True]}
        assert mapping["Enabled"] == (unless_paused if dispatch.trigger is Trigger.EVENT_SOURCE else False)


def test_a_batch_of_more_than_one_receive_gathers_in_a_window(templates: "Templates") -> None:
    vendor = templates.vendor("call-desk")
    for queue in ("RequestQueue", "UrgentQueue"):
        mapping = mapping_of(templates, vendor, queue)
        assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (25, 1)


def test_urgent_calls_have_a_queue_and_pollers_of_their_own_on_the_same_dispatcher(templates: "Templates") -> None:
    vendor = templates.vendor(PRESS)
    normal, urgent = mapping_of(templates, vendor), mapping_of(templates, vendor, "UrgentQueue")
    assert urgent["ScalingConfig"] == {"MaximumConcurrency": vendor.dispatch.urgent_concurrency}
    differing = {"EventSourceArn", "ScalingConfig"}
    assert {key: urgent[key] for key in urgent.keys() - differing} == {
        key: normal[key] for key in normal.keys() - differing
    }


def queues_of(vendor: Vendor) -> list[str]:
    """Return a lane's request queues, the urgent one first."""
    names = ("UrgentQueue", "RequestQueue") if vendor.dispatch.urgent_concurrency else ("RequestQueue",)
    return [f"<{vendor.name}/{name}>" for name in names]


def test_call_vendor_chooses_the_queue_and_a_lane_without_an_urgent_one_has_one_queue_for_all(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        call = templates.definition(f"{vendor.name}/CallVendor/Machine")["States"]["CallVendor"]["Arguments"]
        urgent, normal = re.findall(r"'([^']+)'", call["QueueUrl"])
        assert [urgent, normal] == [queues_of(vendor)[0], queues_of(vendor)[-1]]
    assert queues_of(templates.vendor("replicate")) == ["<replicate/RequestQueue>"]
    assert len(queues_of(templates.vendor(PRESS))) == 2


def test_the_dispatcher_knows_the_queues_the_urgent_one_first(templates: "Templates") -> None:
    for vendor in templates.vendors:
        variables = templates.properties(f"{vendor.name}/Dispatcher/Function")["Environment"]["Variables"]
        assert templates.say(variables["HEADWAY_REQUEST_QUEUE_URLS"]) == " ".join(queues_of(vendor))


def test_the_dispatchers_concurrency_is_reserved(templates: "Templates") -> None:
    for vendor in templates.vendors:
        dispatcher = templates.properties(f"{vendor.name}/Dispatcher/Function")
        assert dispatcher["ReservedConcurrentExecutions"] == vendor.dispatch.reserved_concurrency
        assert dispatcher["ReservedConcurrentExecutions"] >= vendor.dispatch.dispatchers_count


def test_a_dispatchers_timeout_covers_a_batch_at_the_contracts_pace_with_all_dispatchers_at_work(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        dispatch = vendor.dispatch
        batch_s = dispatch.batch_size * dispatch.dispatchers_count / vendor.max_rps(Scope.SUBMIT)
        if dispatch.pacing is Pacing.DELAY:
            batch_s = max(batch_s, dispatch.batch_size * LONGEST_DELAY_S)
        timeout_s = templates.properties(f"{vendor.name}/Dispatcher/Function")["Timeout"]
        assert batch_s < timeout_s == vendor.dispatcher_timeout_s <= 900


def test_without_provisioned_concurrency_the_function_itself_is_polled_for(templates: "Templates") -> None:
    vendor = templates.vendor("replicate")
    assert templates.of_type("AWS::Lambda::Alias", vendor.name) == {}
    assert templates.say(mapping_of(templates, vendor)["FunctionName"]) == "<replicate/Dispatcher/Function>"


def test_provisioned_concurrency_is_on_an_alias_and_the_mapping_is_on_that_alias(templates: "Templates") -> None:
    ((name, alias),) = templates.of_type("AWS::Lambda::Alias").items()
    assert name == f"{PRESS}/Dispatcher/Live"
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 1}
    assert templates.say(alias["FunctionName"]) == f"<{PRESS}/Dispatcher/Function>"
    assert templates.say(alias["FunctionVersion"]) == f"<{PRESS}/Dispatcher/Function/CurrentVersion.Version>"
    vendor = templates.vendor(PRESS)
    assert templates.say(mapping_of(templates, vendor)["FunctionName"]) == f"<{PRESS}/Dispatcher/Live>:live"


def test_a_schedule_starts_the_dispatcher_where_the_contract_says_so_and_there_is_none_elsewhere(
    templates: "Templates",
) -> None:
    assert [vendor.name for vendor in templates.vendors if vendor.dispatch.trigger is Trigger.SCHEDULE] == [PRESS]
    [(name, schedule)] = templates.of_type("AWS::Scheduler::Schedule").items()
    assert name == f"{PRESS}/Schedule"
    assert schedule["State"] == {"Fn::If": [f"IsPaused{pascal(PRESS)}", "DISABLED", "ENABLED"]}
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    target = schedule["Target"]
    assert templates.say(target["Arn"]) == f"<{PRESS}/Dispatcher/Function>"
    assert json.loads(target["Input"]) == {"batch_size": 3}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}, "the next interval is the retry"


def test_the_direct_way_calls_the_proxy_with_iam_and_never_sees_a_task_token(templates: "Templates") -> None:
    definition = templates.definition(f"{PRESS}/DispatchCall/Machine")
    call = definition["States"]["CallVendor"]
    assert call["Resource"] == "arn:aws:states:::apigateway:invoke"
    arguments = call["Arguments"]
    host = f"<{PRESS}/Proxy/Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>"
    assert arguments["ApiEndpoint"] == host
    assert arguments["Stage"] == "v"
    [stage] = templates.of_type("AWS::ApiGateway::Stage", f"{PRESS}/Proxy").values()
    assert stage["StageName"] == "v"
    assert (arguments["Method"], arguments["Path"], arguments["AuthType"]) == ("PUT", "/jobs", "IAM_ROLE")
    api = f"{PRESS}/Callbacks/Api"
    callback = f"https://<{api}>.execute-api.<AWS::Region>.<AWS::URLSuffix>/<{api}/DeploymentStage.v>"
    assert definition["States"]["PrepareCall"]["Assign"]["fields"] == {
        "paper": {"size": "A4"},
        "notify": f"{callback}/callbacks/{PRESS}",
    }
    assert "$states.input.job.id" in json.dumps(definition)
    text = json.dumps(definition).lower()
    assert "task.token" not in text
    assert "task_token" not in text
    assert "waitfortasktoken" not in text


def test_each_lane_has_the_functions_that_its_contract_asks_for(templates: "Templates") -> None:
    functions = {
        vendor.name: {name.split("/")[1] for name in templates.of_type("AWS::Lambda::Function", vendor.name)}
        for vendor in templates.vendors
    }
    always = {"Dispatcher", "Settler", "Results"}
    assert functions == {
        "call-desk": {*always, "Caller", "Callback"},
        "night-desk": {*always, "Caller"},
        "replicate": {*always, "Caller", "Callback"},
        PRESS: {*always, "Callback"},
    }


def test_machines_invoke_the_functions_of_their_own_lane(templates: "Templates") -> None:
    for vendor in templates.vendors:
        invoked = {
            name: {
                state["Arguments"]["FunctionName"]
                for state in templates.definition(f"{vendor.name}/{name}/Machine")["States"].values()
                if state.get("Resource") == "arn:aws:states:::lambda:invoke"
            }
            for name in ("CallVendor", "DispatchCall")
        }
        way_out = () if vendor.dispatch.direct else ("caller",)
        assert invoked == {
            "CallVendor": set(),
            "DispatchCall": {arns.function(vendor.name, part) for part in ("settler", *way_out)},
        }


def needless(function: str, vendor: Vendor) -> set[Environment]:
    """Return the settings that the contract does not make a function read, whatever its code could do."""
    calls_back, results = function == "Callback", function == "Results"
    polls = vendor.poll is not None
    asks = not results or isinstance(vendor.result, Fetched) or polls
    asked: dict[Environment, bool] = {
        Environment.API_TOKEN_SECRET: vendor.credential is not None and asks,
        Environment.CALLBACK_URL: calls_back or vendor.submit.callback_url is not None,
        Environment.RESULTS_QUEUE_URL: polls or results,
        Environment.IN_FLIGHT_TABLE: vendor.jobs_in_flight is not None and (polls or not results),
        Environment.PROXY_URL: asks,
        Environment.WEBHOOK_SECRET: calls_back or vendor.submit.callback_key is not None,
    }
    return {setting for setting, is_asked in asked.items() if not is_asked}


def test_every_setting_that_a_handler_reads_is_bound_and_nothing_is_bound_that_has_no_name(
    templates: "Templates",
) -> None:
    for name, function in templates.of_type("AWS::Lambda::Function").items():
        vendor, part, _ = name.split("/")
        read, asked_for_nothing = settings_read(function["Handler"]), needless(part, templates.vendor(vendor))
        bound = function["Environment"]["Variables"].keys()
        assert read - asked_for_nothing <= bound <= {str(word) for word in Environment}, name
        assert not asked_for_nothing & bound, f"{name}: no contract asks for it"
        assert bound - read <= LANE, f"{name}: nobody reads it"


def test_the_settings_of_a_handler_are_those_of_all_that_it_calls() -> None:
    tables = {Environment.CALLS_TABLE, Environment.JOBS_TABLE, Environment.IN_FLIGHT_TABLE}
    assert settings_read("headway_lane.settling.handler.join") == tables
    assert settings_read("headway_lane.settling.handler.settle") == {*tables, Environment.REQUEST_DLQ_URL}
    assert settings_read("headway_lane.caller.handler.call") >= {
        *tables,
        Environment.API_TOKEN_SECRET,
        Environment.WEBHOOK_SECRET,
        Environment.PROXY_URL,
    }


def test_each_function_has_the_tables_of_its_own_vendor(templates: "Templates") -> None:
    tables = {"HEADWAY_CALLS_TABLE": "Calls", "HEADWAY_JOBS_TABLE": "Jobs", "HEADWAY_BUDGETS_TABLE": "Budgets"}
    for name, function in templates.of_type("AWS::Lambda::Function").items():
        vendor, part, _ = name.split("/")
        bound = {
            variable: templates.say(value)
            for variable, value in function["Environment"]["Variables"].items()
            if variable in tables
        }
        wanted = {variable: f"<{vendor}/{table}>" for variable, table in tables.items()}
        if part == "Callback":
            del wanted["HEADWAY_BUDGETS_TABLE"]  # it makes no call
        assert bound == wanted, name
        assert function["Environment"]["Variables"]["HEADWAY_VENDOR"] == vendor


def test_functions_that_call_the_vendor_know_the_proxy_and_no_others_do(templates: "Templates") -> None:
    knowing = {
        name
        for name, function in templates.of_type("AWS::Lambda::Function").items()
        if "HEADWAY_PROXY_URL" in function["Environment"]["Variables"]
    }
    assert knowing == {f"{hop}/Function" for hop in CALLING}


def test_a_vendor_whose_jobs_are_only_looked_up_can_be_asked_all_the_same(templates: "Templates") -> None:
    vendor = templates.vendor("call-desk")
    assert poll_verbs(vendor) == ["GET"]
    assert throttles_of(templates, vendor)["GET"] == (10_000, 5_000)
    caller = templates.properties("call-desk/Caller/Function")
    assert caller["Timeout"] == vendor.caller_timeout_s == 48
