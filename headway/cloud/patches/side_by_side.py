"""Branches of a Parallel state, items of a Map: where one fails, the others are stopped, and so is what they wait for.

AWS: Developer Guide, "Parallel workflow state" ("if any branch fails, because of an unhandled error or by transitioning
to a Fail state, the entire Parallel state is considered to have failed and all its branches are stopped") and "Discover
service integration patterns" (a `.sync` task of theirs is aborted); moto's interpreter stops them, too. ministack waits
for all of them first, for hours where one waits for a callback. It passes over `Arguments`, `Output` and `Assign` of a
Parallel state, too, and lets branches assign each other's variables (guide, "Variables": each has a scope of its own).
"""

import contextvars
import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.services import stepfunctions as sfn

from headway.cloud.patches import executions
from headway.cloud.patches.executions import Context, Execution, Over, Run

State = Mapping[str, Any]
Work = Callable[[], Any]


def side_by_side(works: Sequence[Work], at_once_count: int) -> list[Any]:
    """Do all works, so many at a time; return their results in order. Raises what the first that fails raises, once
    the others have been stopped.
    """
    results: list[Any] = [None] * len(works)
    numbers = iter(range(len(works)))
    failures: list[Exception] = []
    parts: set[Run] = set()
    lock = threading.Lock()

    def do(number: int) -> None:
        with executions.part_of_this() as part:
            if part is not None:
                parts.add(part)
            if failures:  # it may not have known of this part
                raise Over
            try:
                results[number] = works[number]()
            finally:
                parts.discard(part)

    def work_on() -> None:
        while not failures:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                do(number)
            except Over:
                return
            except Exception as problem:
                fail(problem)

    def fail(problem: Exception) -> None:
        with lock:
            failures.append(problem)
            first = len(failures) == 1
        if first:
            for part in tuple(parts):
                executions.abandon(part)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(work_on,), daemon=True)
        for _ in range(min(at_once_count, len(works)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    executions.go_on()
    if failures:
        raise failures[0]
    return results


def execute_parallel(state: State, data: Any, execution: Execution, context: Context) -> Any:
    """Go through a Parallel state: its output, and the name of the next state."""

    def attempt() -> Any:
        if sfn._state_query_language(state, context) == "JSONata":
            given = sfn._apply_jsonata_arguments(state, data, context)
        else:
            given = sfn._apply_parameters(state, sfn._apply_input_path(state, data, context), context)
        branches = state.get("Branches", [])

        def walk(branch: State) -> Any:
            apart = {**context, "variables": dict(context["variables"])}
            return sfn._run_sub_machine(branch["States"], branch["StartAt"], given, execution, apart)

        results = side_by_side([_with(walk, branch) for branch in branches], len(branches))
        return leave(state, data, context, results)

    return sfn._with_retry_and_catch(state, data, context, attempt)


def execute_items(state: State, data: Any, execution: Execution, context: Context, items: Sequence[Any]) -> Any:
    """Go through an inline Map: its output, and the name of the next state."""
    processor = state.get("ItemProcessor") or state.get("Iterator") or {}

    def walk(number: int) -> Any:
        apart = copy.deepcopy(context)
        apart["Map"] = {"Item": {"Index": number, "Value": items[number]}}
        given = item_input(state, data, apart)
        return sfn._run_sub_machine(processor["States"], processor["StartAt"], given, execution, apart)

    at_once_count = number_of(state, "MaxConcurrency", data, context) or len(items)
    results = side_by_side([_with(walk, number) for number in range(len(items))], int(at_once_count))
    return leave(state, data, context, results)


def item_input(state: State, data: Any, context: Context) -> Any:
    """Return what an item's first state is given; the context has the item."""
    selector = state.get("ItemSelector") or state.get("Parameters")
    if not selector:
        return context["Map"]["Item"]["Value"]
    if sfn._state_query_language(state, context) == "JSONata":
        return sfn._apply_jsonata_template(selector, data, context)
    return sfn._resolve_params_obj(selector, sfn._apply_input_path(state, data, context), context)


def number_of(state: State, field: str, data: Any, context: Context) -> float:
    """Return a number that may be an expression; 0 where it is not there."""
    if field not in state:
        return 0
    if sfn._state_query_language(state, context) == "JSONata":
        found: float = sfn._jsonata_state_field(state, field, "number", data, context)
        return found
    return float(state[field])


def leave(state: State, data: Any, context: Context, results: Any) -> Any:
    """Return the output of a Parallel or Map state, and the name of the next one."""
    if sfn._state_query_language(state, context) == "JSONata":
        output = sfn._apply_jsonata_output(state, data, context, result=results, default=results)
        sfn._apply_state_assign(state, data, context, result=results)
    else:
        output = sfn._apply_result_path(state, data, sfn._apply_result_selector(state, results))
        output = sfn._apply_output_path(state, output, context)
    return output, sfn._next_or_end(state)


def _with(walk: Callable[[Any], Any], one: Any) -> Work:
    return lambda: walk(one)


def _run_map_items(state: State, data: Any, execution: Execution, context: Context) -> Any:
    processor = state.get("ItemProcessor") or state.get("Iterator") or {}
    if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
        return sfn._run_distributed_map(state, data, None, processor, execution, context)
    return execute_items(state, data, execution, context, items_of(state, data, context))


def items_of(state: State, data: Any, context: Context) -> list[Any]:
    """Return the items that are in a Map's input."""
    if sfn._state_query_language(state, context) == "JSONata" and "Items" in state:
        found: list[Any] = sfn._jsonata_state_field(state, "Items", "array", data, context)
        return found
    path = state.get("ItemsPath", "$")
    items = sfn._resolve_path_or_ctx(path, sfn._apply_input_path(state, data, context), context)
    return items if isinstance(items, list) else [items]


def apply() -> None:
    """Replace ministack's Parallel, and its inline Map."""
    sfn._execute_parallel = execute_parallel
    sfn._run_map_items = _run_map_items
