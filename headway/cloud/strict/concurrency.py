"""Reserved concurrency of a template holds, and an account has only so much to reserve; ministack ignores both.

AWS: at least 100 executions of the account's must stay unreserved (botocore: PutFunctionConcurrency). An account has
1,000 by default, a new one may have ten ("Lambda quotas", Lambda developer guide), of which nothing can be reserved.
HEADWAY_LAMBDA_CONCURRENCY is the account's number. What really runs at once on a laptop is less, and bounded by
ministack itself, so that the share of unreserved functions is never used up.

The provisioner of functions is wrapped, and the function behind PutFunctionConcurrency.
"""

import json
import os
from typing import Any, Final

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from headway.cloud.strict._variables import ACCOUNT_VARIABLE

ACCOUNT_COUNT: Final = 1000
"""Concurrent executions of an account by default (Lambda developer guide, "Lambda quotas")."""
UNRESERVED_COUNT: Final = 100
"""The least that stays for functions without a reservation (botocore: PutFunctionConcurrency)."""
FUNCTION: Final = "AWS::Lambda::Function"
RESERVED: Final = "ReservedConcurrentExecutions"


def problem(wanted_count: int, reserved_by_others_count: int, account_count: int) -> str | None:
    """Return why Lambda refuses a reservation, in its words, or None."""
    least = min(UNRESERVED_COUNT, account_count)
    if wanted_count and account_count - reserved_by_others_count - wanted_count < least:
        return (
            f"Specified {RESERVED} for function decreases account's UnreservedConcurrentExecution below its"
            f" minimum value of [{least}]."
        )
    return None


def apply() -> None:
    """Check reservations, and take those of templates."""
    account_count = int(os.environ.get(ACCOUNT_VARIABLE) or ACCOUNT_COUNT)
    _check_in_api(account_count)
    _take_from_templates(account_count)
    settings = lambda_svc._get_account_settings

    def settings_of_the_account() -> Any:
        status, headers, body = settings()
        document = json.loads(body)
        unreserved_count = account_count - _reserved_by_others_count("")
        document["AccountLimit"].update(
            ConcurrentExecutions=account_count, UnreservedConcurrentExecutions=unreserved_count
        )
        return status, headers, json.dumps(document).encode()

    lambda_svc._get_account_settings = settings_of_the_account


def _reserved_by_others_count(name: str) -> int:
    functions = lambda_svc._functions
    return sum(int(functions[other].get("concurrency") or 0) for other in list(functions.keys()) if other != name)


def _check_in_api(account_count: int) -> None:
    put = lambda_svc._put_function_concurrency

    def put_checked(name: str, data: dict[str, Any]) -> Any:
        if reason := problem(int(data.get(RESERVED) or 0), _reserved_by_others_count(name), account_count):
            return error_response_json("InvalidParameterValueException", reason, 400)
        return put(name, data)

    lambda_svc._put_function_concurrency = put_checked


def _take_from_templates(account_count: int) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[FUNCTION]
    create, update = handlers["create"], handlers["update"]

    def check(properties: dict[str, Any], name: str) -> None:
        wanted_count = int(properties.get(RESERVED) or 0)
        if reason := problem(wanted_count, _reserved_by_others_count(name), account_count):
            raise ValueError(f"InvalidParameterValueException: {reason}")

    def reserve(properties: dict[str, Any], name: str) -> None:
        wanted = properties.get(RESERVED)
        lambda_svc._functions[name]["concurrency"] = None if wanted is None else int(wanted)

    def create_reserved(logical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        check(properties, properties.get("FunctionName", ""))
        created = create(logical_id, properties, *rest)
        reserve(properties, created[0])
        return created

    def update_reserved(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        if old.get(RESERVED) == new.get(RESERVED):
            before = (lambda_svc._functions.get(physical_id) or {}).get("concurrency")
            updated = update(physical_id, old, new, *rest)
            lambda_svc._functions[updated[0]]["concurrency"] = before  # what was set by API since stays
            return updated
        check(new, physical_id)
        updated = update(physical_id, old, new, *rest)
        reserve(new, updated[0])
        return updated

    handlers.update(create=create_reserved, update=update_reserved)
