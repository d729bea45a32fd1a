"""A Distributed Map: its items come from S3, each is an execution of its own, and its results go to S3.

AWS: Developer Guide, "Using Map state in Distributed mode" with its pages ItemReader, ItemBatcher, ResultWriter,
"Setting failure thresholds"; botocore's model (DescribeMapRun, ListExecutions by `mapRunArn`). ministack has the run
and its children, but no expression in any field of it, no batches and no ResultWriter; it goes on through all items
where more have failed than may, and gives a child the context of the parent. A child knows neither the parent's
variables (guide, "Variables") nor its item, unless ItemSelector says it.

Objects are read and written whole: for files that a laptop's memory takes.
"""

import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ministack.services import stepfunctions as sfn

from headway.cloud.patches.executions import Context, Execution
from headway.cloud.patches.side_by_side import item_input, items_of, leave, number_of, side_by_side

State = Mapping[str, Any]

AT_ONCE_COUNT: Final = 64
"""Children at a time where MaxConcurrency is 0; AWS runs 10,000."""
GET_OBJECT: Final = "arn:aws:states:::aws-sdk:s3:getObject"
LIST_OBJECTS: Final = "arn:aws:states:::aws-sdk:s3:listObjectsV2"
PUT_OBJECT: Final = "arn:aws:states:::aws-sdk:s3:putObject"
START: Final = "arn:aws:states:::states:startExecution"
TOO_MANY: Final = "States.ExceedToleratedFailureThreshold"
_OK: Final = 200
_SHOWN: Final = {
    "executionArn": "ExecutionArn",
    "input": "Input",
    "name": "Name",
    "output": "Output",
    "error": "Error",
    "cause": "Cause",
    "startDate": "StartDate",
    "stateMachineArn": "StateMachineArn",
    "status": "Status",
    "stopDate": "StopDate",
}
"""What a file of results says of a child, where nothing is left out."""
_COUNTED: Final = (
    *("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten"),
    *("failuresNotRedrivable", "pendingRedrive"),
)


def ask(execution: Execution, resource: str, arguments: Mapping[str, Any]) -> None:
    """Seam: ask whether the machine's role may do this; raises what the state fails with where it may not."""


def read_text(execution: Execution, context: Context, bucket: str, key: str) -> str:
    """Seam: return the text of an object; raises States.ItemReaderFailed."""
    del context
    ask(execution, GET_OBJECT, {"Bucket": bucket, "Key": key})
    return str(sfn._s3_object_text(bucket, key))


def write_text(execution: Execution, context: Context, bucket: str, key: str, text: str) -> None:
    """Seam: write an object; raises States.ResultWriterFailed."""
    from ministack.services import s3  # the kit of tests need not wait for it

    del context
    ask(execution, PUT_OBJECT, {"Bucket": bucket, "Key": key})
    status, _, body = s3._put_object(bucket, key, text.encode(), {})
    if status != _OK:
        raise sfn._ExecutionError("States.ResultWriterFailed", f"Bucket: {bucket}, Key: {key}: {body!r}")


def run(state: State, data: Any, _: Any, processor: State, execution: Execution, context: Context) -> Any:
    """Go through a Distributed Map: its output, and the name of the next state."""
    items = list(_batched(state, data, context, read_items(state, data, execution, context)))
    made = MapRun(state, data, execution, context, processor, len(items))
    ask(execution, START, {"StateMachineArn": execution["stateMachineArn"]})
    at_once_count = made.max_concurrency or AT_ONCE_COUNT
    try:
        side_by_side([made.work(number, item) for number, item in enumerate(items)], at_once_count)
    except sfn._ExecutionError:
        made.close("FAILED")
        made.write_results()
        raise
    made.close("SUCCEEDED")
    written = made.write_results()
    return leave(state, data, context, written or [made.output_of(number) for number in range(len(items))])


class MapRun:
    """One run of a Distributed Map and its children, as ListMapRuns and ListExecutions tell of them."""

    def __init__(
        self, state: State, data: Any, execution: Execution, context: Context, processor: State, total_count: int
    ) -> None:
        self._state, self._data, self._execution, self._context = state, data, execution, context
        self._processor = processor
        _, _, _, region, account, _, self._machine = execution["stateMachineArn"].split(":")
        self._place = f"arn:aws:states:{region}:{account}"
        self._label = f"{self._machine}/{state.get('Label') or uuid.uuid4()}"
        self._id = str(uuid.uuid4())
        self.max_concurrency = int(number_of(state, "MaxConcurrency", data, context))
        self._failures_left = tolerated_count(state, data, context, total_count)
        self._children: dict[int, Execution] = {}
        self._lock = threading.Lock()
        counts = dict.fromkeys(_COUNTED, 0) | {"total": total_count, "pending": total_count}
        self._run: dict[str, Any] = {
            "mapRunArn": f"{self._place}:mapRun:{self._label}:{self._id}",
            "executionArn": execution["executionArn"],
            "status": "RUNNING",
            "startDate": sfn.now_iso(),
            "maxConcurrency": self.max_concurrency,
            "toleratedFailurePercentage": number_of(state, "ToleratedFailurePercentage", data, context),
            "toleratedFailureCount": int(number_of(state, "ToleratedFailureCount", data, context)),
            "itemCounts": dict(counts),
            "executionCounts": dict(counts),
            "redriveCount": 0,
            "_stateMachineArn": f"{self._place}:stateMachine:{self._label}",
        }
        sfn._map_runs[self._run["mapRunArn"]] = self._run

    def work(self, number: int, item: Any) -> Any:
        """Return what runs the child of an item."""
        return lambda: self._run_child(number, item)

    def close(self, status: str) -> None:
        """Say how the run has ended."""
        self._run.update(status=status, stopDate=sfn.now_iso())

    def output_of(self, number: int) -> Any:
        """Return what a child has given; None where it failed."""
        return _output(self._children[number])

    def write_results(self) -> Mapping[str, Any] | None:
        """Write manifest and results where the state wants them; return what the Map ends with then, else None."""
        writer = self._state.get("ResultWriter")
        if not writer:
            return None
        told: Mapping[str, Any] = {"MapRunArn": self._run["mapRunArn"]}
        place = arguments_of(writer, self._data, self._context)
        files: dict[str, list[Mapping[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        config = writer.get("WriterConfig") or {}
        if not place:  # it only transforms: nothing goes to S3
            return None
        folder = "/".join(part for part in (str(place.get("Prefix", "")).strip("/"), self._id) if part)
        lines = config.get("OutputType") == "JSONL"
        for status, chosen in self._by_status().items():
            shown = list(_shown(chosen, status, config.get("Transformation", "NONE")))
            if not shown:
                continue
            key = f"{folder}/{status}_0.{'jsonl' if lines else 'json'}"
            text = "".join(f"{json.dumps(one)}\n" for one in shown) if lines else json.dumps(shown)
            write_text(self._execution, self._context, place["Bucket"], key, text)
            files[status].append({"Key": key, "Size": len(text.encode())})
        manifest = {"DestinationBucket": place["Bucket"], **told, "ResultFiles": files}
        key = f"{folder}/manifest.json"
        write_text(self._execution, self._context, place["Bucket"], key, json.dumps(manifest))
        return {**told, "ResultWriterDetails": {"Bucket": place["Bucket"], "Key": key}}

    def _by_status(self) -> Mapping[str, Sequence[Execution]]:
        children = [self._children[number] for number in sorted(self._children)]
        return {
            "FAILED": [one for one in children if one["status"] not in ("SUCCEEDED", "RUNNING")],
            "SUCCEEDED": [one for one in children if one["status"] == "SUCCEEDED"],
        }

    def _run_child(self, number: int, item: Any) -> None:
        with_item = {**self._context, "Map": {"Item": {"Index": number, "Value": item}}}
        given = item_input(self._state, self._data, with_item)
        child = self._begin(number, given)
        status, told = "ABORTED", dict[str, Any]()
        try:
            output = sfn._run_sub_machine(
                self._processor["States"], self._processor["StartAt"], given, child, self._context_of(child, given)
            )
            status, told = "SUCCEEDED", {"output": json.dumps(output)}
        except sfn._ExecutionError as error:
            status, told = "FAILED", {"error": error.error, "cause": error.cause}
        finally:
            child.update(told, status=status, stopDate=sfn.now_iso())
            sfn._emit_execution_status_event(child)
            self._count("running", status.lower())
        if status == "FAILED":
            self._mind_failures()

    def _begin(self, number: int, given: Any) -> Execution:
        name, start = str(uuid.uuid4()), sfn.now_iso()
        child: Execution = {
            "executionArn": f"{self._place}:execution:{self._label}:{name}",
            "stateMachineArn": self._run["_stateMachineArn"],
            "name": name,
            "status": "RUNNING",
            "startDate": start,
            "stopDate": None,
            "input": json.dumps(given),
            "inputDetails": {"included": True},
            "output": None,
            "outputDetails": {"included": True},
            "mapRunArn": self._run["mapRunArn"],
            "events": [],
            "testCase": self._execution.get("testCase"),
            "mockAttempts": {},
        }
        self._children[number] = sfn._executions[child["executionArn"]] = child
        self._count("pending", "running")
        return child

    def _context_of(self, child: Execution, given: Any) -> Context:
        """Return the context object of a child: an execution of its own."""
        return {
            "QueryLanguage": self._processor.get("QueryLanguage", self._context.get("QueryLanguage", "JSONPath")),
            "Execution": {
                **self._context["Execution"],
                "Id": child["executionArn"],
                "Input": given,
                "Name": child["name"],
                "StartTime": child["startDate"],
            },
            "StateMachine": {"Id": child["stateMachineArn"], "Name": self._label},
            "variables": {},
        }

    def _count(self, before: str, after: str) -> None:
        with self._lock:
            for counts in (self._run["itemCounts"], self._run["executionCounts"]):
                counts[before] -= 1
                counts[after] += 1

    def _mind_failures(self) -> None:
        with self._lock:
            self._failures_left -= 1
            over = self._failures_left < 0
        if over:
            raise sfn._ExecutionError(TOO_MANY, "The specified tolerated failure threshold was exceeded")


def tolerated_count(state: State, data: Any, context: Context, total_count: int) -> int:
    """Return how many children may fail: the less of both thresholds; none where there is none."""
    limits = []
    if "ToleratedFailureCount" in state:
        limits.append(int(number_of(state, "ToleratedFailureCount", data, context)))
    if "ToleratedFailurePercentage" in state:
        limits.append(int(number_of(state, "ToleratedFailurePercentage", data, context) * total_count / 100))
    return min(limits, default=0)


def read_items(state: State, data: Any, execution: Execution, context: Context) -> list[Any]:
    """Return the items of a Map: out of S3, or its input."""
    reader = state.get("ItemReader")
    if not reader:
        return items_of(state, data, context)
    place, config = arguments_of(reader, data, context), reader.get("ReaderConfig") or {}
    if reader["Resource"].endswith("listObjectsV2"):
        ask(execution, LIST_OBJECTS, {"Bucket": place["Bucket"]})
        plain = {**reader, "Parameters": place, "Arguments": None}
        listed: list[Any] = sfn._read_map_items(plain, data, context)
        return listed
    text = read_text(execution, context, place["Bucket"], place["Key"])
    items: list[Any] = sfn._parse_reader_items(text, config)
    most = config.get("MaxItems")
    return items[: int(most)] if isinstance(most, int | float) and most else items


def arguments_of(part: State, data: Any, context: Context) -> Mapping[str, Any]:
    """Return the arguments of an ItemReader or a ResultWriter."""
    if "Arguments" in part:
        found: Mapping[str, Any] = sfn._apply_jsonata_template(part["Arguments"], data, context)
        return found
    named: Mapping[str, Any] = sfn._resolve_params_obj(part.get("Parameters") or {}, data, context)
    return named


def _batched(state: State, data: Any, context: Context, items: Sequence[Any]) -> Iterator[Any]:
    batcher = state.get("ItemBatcher")
    if not batcher:
        yield from items
        return
    if "MaxItemsPerBatch" not in batcher:
        raise sfn._ExecutionError("States.Runtime", "the embedded cloud batches by MaxItemsPerBatch alone")
    size = int(number_of({**batcher, "QueryLanguage": context["QueryLanguage"]}, "MaxItemsPerBatch", data, context))
    more = arguments_of({"Arguments": batcher["BatchInput"]}, data, context) if "BatchInput" in batcher else None
    for first in range(0, len(items), size):
        yield {**({"BatchInput": more} if more else {}), "Items": list(items[first : first + size])}


def _shown(children: Sequence[Execution], status: str, transformation: str) -> Iterator[Any]:
    """Yield what a file of results has of its children; of failed ones everything, however it is written."""
    for child in children:
        if status != "SUCCEEDED" or transformation == "NONE":
            yield {shown: child[name] for name, shown in _SHOWN.items() if child.get(name) is not None}
        elif transformation == "FLATTEN" and isinstance(output := _output(child), list):
            yield from output
        else:
            yield _output(child)


def _output(child: Execution) -> Any:
    return None if child["output"] is None else json.loads(child["output"])


def apply() -> None:
    """Replace ministack's Distributed Map."""
    sfn._run_distributed_map = run
