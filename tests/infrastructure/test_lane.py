"""A vendor's lane: what the embedded cloud accepts and does not enforce, asserted against the contract."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headway_cdk.parameters import logical_name, poll_verbs
from headway_lane.contract.dispatch import Drain, Pacing
from headway_lane.contract.limits import FENCE_BURST_SHARE, Limit, Scope
from headway_lane.contract.timing import EXPRESS_TIMEOUT_S, LONGEST_DELAY_S, SETTLE_TASK_TIMEOUT_S, SETTLE_TIMEOUT_S
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CREDENTIAL_HEADER, Environment

from tests.infrastructure.conftest import CALLING
from tests.infrastructure.settings_read import settings_read

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates


def mapping_of(templates: "Templates", vendor: Vendor, queue: str = "RequestQueue") -> Any:
    """Return the properties of the event source mapping on one of a vendor's queues."""
    (mapping,) = (
        mapping
        for mapping in templates.of_type("AWS::Lambda::EventSourceMapping").values()
        if templates.say(mapping["EventSourceArn"]) == f"<{queue}{logical_name(vendor.name)}>"
    )
    return mapping


def vendor_of(templates: "Templates", name: str) -> Vendor:
    """Return one vendor of a configuration."""
    (vendor,) = (vendor for vendor in templates.vendors if vendor.name == name)
    return vendor


def submits_of(vendor: Vendor) -> Sequence[Limit]:
    """Return the limits that count submits."""
    return [limit for limit in vendor.limits if limit.scope in (Scope.SUBMIT, Scope.ANY)]


def throttles_of(templates: "Templates", vendor: Vendor) -> dict[str, tuple[float, int]]:
    """Return rate and burst of the proxy by method, `*` for those without their own."""
    stage = templates.properties(f"Lane-{vendor.name}/Proxy/Api/DeploymentStage.v")
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
        assert 1 <= burst_count <= max(1, min(limit.amount for limit in submits_of(vendor)) * FENCE_BURST_SHARE)


def test_the_fence_of_plain_pacing_holds_the_contract_in_every_window_whatever_the_dispatchers_do(
    another: "Templates",
) -> None:
    vendor = vendor_of(another, "slow-press")
    assert vendor.dispatch.pacing is Pacing.DELAY
    rate_per_s, burst_count = throttles_of(another, vendor)["*"]
    for limit in submits_of(vendor):
        assert rate_per_s * limit.per_s + burst_count <= limit.amount, f"{limit} can be broken"


def test_the_fence_of_permits_is_at_the_contracts_full_rate_so_that_no_permit_is_refused_by_it(
    another: "Templates",
) -> None:
    shipped = vendor_of(another, "replicate")
    vendor = replace(shipped, dispatch=replace(shipped.dispatch, pacing=Pacing.PERMITS))
    fence = vendor.fence(Scope.SUBMIT)
    assert fence is not None
    assert (fence.rate_per_s, fence.burst_count) == (10, 2)
    assert all(limit.rate_per_s >= 10 for limit in submits_of(vendor)), "no more than the tightest limit over time"


def test_polls_have_a_throttle_of_their_own_by_method(repository: "Templates") -> None:
    (vendor,) = repository.vendors
    fence = vendor.fence(Scope.POLL)
    assert fence is not None
    assert throttles_of(repository, vendor)["GET"] == (fence.rate_per_s, fence.burst_count) == (40, 10)


def test_polls_that_no_limit_counts_are_not_slowed_to_the_submits_rate(another: "Templates") -> None:
    vendor = vendor_of(another, "slow-press")
    assert vendor.fence(Scope.POLL) is None
    assert throttles_of(another, vendor)["GET"] == (10_000, 5_000)


def test_only_callers_with_iam_get_through_the_proxy_and_each_method_goes_to_the_vendor_unchanged(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        for verb in (vendor.submit.method, *poll_verbs(vendor)):
            method = templates.properties(f"Lane-{vendor.name}/Proxy/Api/Default/{{proxy+}}/{verb}")
            assert method["AuthorizationType"] == "AWS_IAM"
            integration = method["Integration"]
            assert integration["Type"] == "HTTP_PROXY"
            assert integration["IntegrationHttpMethod"] == method["HttpMethod"] == verb
            assert templates.say(integration["Uri"]) == f"<BaseUrl{logical_name(vendor.name)}>/{{proxy}}"
            assert integration["TimeoutInMillis"] <= 29_000
            assert vendor.submit.timeout_s * 1_000 <= integration["TimeoutInMillis"]


def test_the_credential_travels_in_a_header_of_our_own_and_becomes_the_vendors_in_the_proxy(
    another: "Templates",
) -> None:
    def headers(method: str) -> dict[str, str]:
        mapping = another.properties(f"{method}")["Integration"]["RequestParameters"]
        return {key: value for key, value in mapping.items() if ".header." in key}

    credential = f"method.request.header.{CREDENTIAL_HEADER}"
    replicate = "Lane-replicate/Proxy/Api/Default/{proxy+}/POST"
    hidden = {"integration.request.header.X-Amz-Security-Token": "'none'"}
    assert headers(replicate) == {"integration.request.header.Authorization": credential, **hidden}
    assert headers("Lane-slow-press/Proxy/Api/Default/{proxy+}/PUT") == hidden


def test_timeouts_in_call_vendor_are_the_contracts_and_the_heartbeat_is_the_shorter(templates: "Templates") -> None:
    for vendor in templates.vendors:
        definition = templates.definition(f"Lane-{vendor.name}/CallVendor/Machine")
        callback, results = definition["States"]["CallVendor"], definition["States"]["FetchResult"]
        assert callback["TimeoutSeconds"] == vendor.call_timeout_s
        assert callback["HeartbeatSeconds"] == vendor.call_heartbeat_s < vendor.call_timeout_s
        assert definition["TimeoutSeconds"] == vendor.workflow_timeout_s > vendor.call_timeout_s
        assert results["TimeoutSeconds"] == vendor.results_task_timeout_s > vendor.results_timeout_s
        assert templates.properties(f"Lane-{vendor.name}/Results/Function")["Timeout"] == vendor.results_timeout_s
        assert vendor.record_ttl_s > vendor.workflow_timeout_s


def test_no_task_of_dispatch_call_ends_before_its_function_does_and_none_after_an_express_workflows_five_minutes(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        lane = f"Lane-{vendor.name}"
        definition = templates.definition(f"{lane}/DispatchCall/Machine")
        states = definition["States"]
        assert definition["TimeoutSeconds"] == EXPRESS_TIMEOUT_S <= 300
        assert states["RejectCall"]["TimeoutSeconds"] == SETTLE_TASK_TIMEOUT_S > SETTLE_TIMEOUT_S
        assert templates.properties(f"{lane}/Rejection/Function")["Timeout"] == SETTLE_TIMEOUT_S
        if vendor.dispatch.direct:
            assert states["SettleCall"]["TimeoutSeconds"] == SETTLE_TASK_TIMEOUT_S
            assert templates.properties(f"{lane}/Joining/Function")["Timeout"] == SETTLE_TIMEOUT_S
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
        assert mapping["Enabled"] is (dispatch.drain is Drain.EVENT_SOURCE)


def test_urgent_calls_have_a_queue_and_pollers_of_their_own_on_the_same_dispatcher(another: "Templates") -> None:
    vendor = vendor_of(another, "slow-press")
    normal, urgent = mapping_of(another, vendor), mapping_of(another, vendor, "UrgentQueue")
    assert urgent["ScalingConfig"] == {"MaximumConcurrency": vendor.dispatch.urgent_concurrency}
    differing = {"EventSourceArn", "ScalingConfig"}
    assert {key: urgent[key] for key in urgent.keys() - differing} == {
        key: normal[key] for key in normal.keys() - differing
    }


def test_call_vendor_chooses_the_queue_and_a_lane_without_an_urgent_one_has_one_queue_for_all(
    another: "Templates",
) -> None:
    urls = {}
    for vendor in another.vendors:
        call = another.definition(f"Lane-{vendor.name}/CallVendor/Machine")["States"]["CallVendor"]["Arguments"]
        urls[vendor.name] = re.findall(r"'([^']+)'", call["QueueUrl"])
    assert urls == {
        "call-desk": ["<UrgentQueueCallDesk>", "<RequestQueueCallDesk>"],
        "night-desk": ["<UrgentQueueNightDesk>", "<RequestQueueNightDesk>"],
        "replicate": ["<RequestQueueReplicate>"] * 2,
        "slow-press": ["<UrgentQueueSlowPress>", "<RequestQueueSlowPress>"],
    }


def test_who_dispatches_knows_the_queues_the_urgent_one_first(another: "Templates") -> None:
    known = {
        (vendor.name, function): another.say(
            another.properties(f"Lane-{vendor.name}/{function}/Function")["Environment"]["Variables"][
                "HEADWAY_REQUEST_QUEUE_URLS"
            ]
        )
        for vendor in another.vendors
        for function in ("Dispatcher", "Drain")
    }
    queues = {
        "call-desk": "<UrgentQueueCallDesk> <RequestQueueCallDesk>",
        "night-desk": "<UrgentQueueNightDesk> <RequestQueueNightDesk>",
        "replicate": "<RequestQueueReplicate>",
        "slow-press": "<UrgentQueueSlowPress> <RequestQueueSlowPress>",
    }
    assert known == {(name, hop): urls for name, urls in queues.items() for hop in ("Dispatcher", "Drain")}


def test_the_dispatchers_concurrency_is_reserved(templates: "Templates") -> None:
    for vendor in templates.vendors:
        dispatcher = templates.properties(f"Lane-{vendor.name}/Dispatcher/Function")
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
        for function in ("Dispatcher", "Drain"):
            timeout_s = templates.properties(f"Lane-{vendor.name}/{function}/Function")["Timeout"]
            assert batch_s < timeout_s == vendor.dispatcher_timeout_s <= 900


def test_without_provisioned_concurrency_the_function_itself_is_polled_for(repository: "Templates") -> None:
    (vendor,) = repository.vendors
    assert repository.of_type("AWS::Lambda::Alias") == {}
    assert repository.say(mapping_of(repository, vendor)["FunctionName"]) == "<Lane-replicate/Dispatcher/Function>"


def test_provisioned_concurrency_is_on_an_alias_and_the_mapping_is_on_that_alias(another: "Templates") -> None:
    ((name, alias),) = another.of_type("AWS::Lambda::Alias").items()
    assert name == "Lane-slow-press/Live"
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 1}
    assert another.say(alias["FunctionName"]) == "<Lane-slow-press/Dispatcher/Function>"
    assert another.say(alias["FunctionVersion"]) == "<Lane-slow-press/Dispatcher/Function/CurrentVersion.Version>"
    vendor = vendor_of(another, "slow-press")
    assert another.say(mapping_of(another, vendor)["FunctionName"]) == "<Lane-slow-press/Live>:live"


def test_a_schedule_drains_the_queue_where_the_contract_says_so_and_sleeps_elsewhere(another: "Templates") -> None:
    replicate, slow_press = (another.properties(f"Lane-{name}/Schedule") for name in ("replicate", "slow-press"))
    assert replicate["State"] == "DISABLED"
    assert slow_press["State"] == "ENABLED"
    assert slow_press["ScheduleExpression"] == "rate(5 minutes)"
    assert replicate["ScheduleExpression"] == "rate(1 minute)"
    target = slow_press["Target"]
    assert another.say(target["Arn"]) == "<Lane-slow-press/Drain/Function>"
    assert json.loads(target["Input"]) == {"batch_size": 3}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}, "the next interval is the retry"


def test_the_direct_way_calls_the_proxy_with_iam_and_never_sees_a_task_token(another: "Templates") -> None:
    definition = another.definition("Lane-slow-press/DispatchCall/Machine")
    call = definition["States"]["CallVendor"]
    assert call["Resource"] == "arn:aws:states:::apigateway:invoke"
    arguments = call["Arguments"]
    host = "<Lane-slow-press/Proxy/Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>"
    assert arguments["ApiEndpoint"] == host
    assert arguments["Stage"] == "<Lane-slow-press/Proxy/Api/DeploymentStage.v>"
    assert (arguments["Method"], arguments["Path"], arguments["AuthType"]) == ("PUT", "/jobs", "IAM_ROLE")
    callback = "https://<Callbacks/Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>/<Callbacks/Api/DeploymentStage.v>"
    assert definition["States"]["PrepareCall"]["Assign"]["fields"] == {
        "paper": {"size": "A4"},
        "notify": f"{callback}/callbacks/slow-press",
    }
    assert "$states.input.job.id" in json.dumps(definition)
    text = json.dumps(definition).lower()
    assert "task.token" not in text
    assert "task_token" not in text
    assert "waitfortasktoken" not in text


def test_the_direct_way_has_no_caller_and_the_other_no_joining(another: "Templates") -> None:
    functions = another.of_type("AWS::Lambda::Function")
    assert "Lane-slow-press/Caller/Function" not in functions
    assert "Lane-replicate/Joining/Function" not in functions
    assert {"Lane-slow-press/Joining/Function", "Lane-replicate/Caller/Function"} <= functions.keys()


def needless(function: str, vendors: Sequence[Vendor]) -> set[Environment]:
    """Return the settings that no contract of a function's vendors makes it read, whatever its code could do."""
    served = [vendor for vendor in vendors if function.startswith((f"Lane-{vendor.name}/", "Callback/"))]
    asked: dict[Environment, bool] = {
        Environment.API_TOKEN_SECRET: any(vendor.credential for vendor in served),
        Environment.CHECK_QUEUE_URL: any(vendor.poll for vendor in served),
        Environment.IN_FLIGHT_TABLE: any(vendor.jobs_in_flight for vendor in served),
        Environment.WEBHOOK_SECRETS: function.startswith("Callback/")
        or any(vendor.submit.callback_key for vendor in served),
    }
    return {setting for setting, is_asked in asked.items() if not is_asked}


def test_every_setting_that_a_handler_reads_is_bound_and_nothing_is_bound_that_has_no_name(
    another: "Templates",
) -> None:
    for name, function in another.of_type("AWS::Lambda::Function").items():
        read = settings_read(function["Handler"])
        bound = function["Environment"]["Variables"].keys()
        assert read - needless(name, another.vendors) <= bound <= {str(word) for word in Environment}, name
        assert not needless(name, another.vendors) & bound, f"{name}: no contract asks for it"


def test_the_settings_of_a_handler_are_those_of_all_that_it_calls() -> None:
    tables = {Environment.CALLS_TABLE, Environment.JOBS_TABLE, Environment.IN_FLIGHT_TABLE}
    assert settings_read("headway_lane.settling.handler.join") == tables
    assert settings_read("headway_lane.settling.handler.reject") == {*tables, Environment.REQUEST_DLQ_URL}
    assert settings_read("headway_lane.caller.handler.call") >= {
        *tables,
        Environment.API_TOKEN_SECRET,
        Environment.WEBHOOK_SECRETS,
        Environment.PROXY_URL,
    }


def test_who_reserves_permits_has_the_budgets_table_and_the_ledgers_two_beside_it(another: "Templates") -> None:
    bound = {
        name: {
            variable: another.say(value)
            for variable, value in function["Environment"]["Variables"].items()
            if variable.endswith("_TABLE")
        }
        for name, function in another.of_type("AWS::Lambda::Function").items()
    }
    tables = {
        "HEADWAY_CALLS_TABLE": "<Calls>",
        "HEADWAY_JOBS_TABLE": "<Jobs>",
        "HEADWAY_BUDGETS_TABLE": "<Budgets>",
    }
    for function in ("Dispatcher", "Drain", "Caller", "Results"):
        assert bound[f"Lane-replicate/{function}/Function"] == tables
    assert "HEADWAY_BUDGETS_TABLE" not in bound["Callback/Function"]


def test_functions_that_call_the_vendor_know_the_proxy_and_no_others_do(another: "Templates") -> None:
    knowing = {
        name
        for name, function in another.of_type("AWS::Lambda::Function").items()
        if "HEADWAY_PROXY_URL" in function["Environment"]["Variables"]
    }
    assert knowing == {f"{hop}/Function" for hop in CALLING}


def test_a_vendor_whose_jobs_are_only_looked_up_can_be_asked_all_the_same(another: "Templates") -> None:
    vendor = vendor_of(another, "call-desk")
    assert poll_verbs(vendor) == ["GET"]
    assert throttles_of(another, vendor)["GET"] == (10_000, 5_000)
    caller = another.properties("Lane-call-desk/Caller/Function")
    assert caller["Timeout"] == vendor.caller_timeout_s == 48
