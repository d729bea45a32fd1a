import io
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from headway_lane.messages.claim import CARRIED_BYTES, LARGEST_BYTES, Claim

from headway.deployment.run_names import execution_name
from headway.run.line_index import LineIndex
from headway.run.lines import BadLine, InputLine, Route, read_line
from headway.run.source import LineSource

ROUTE = Route("transcribe", ("acme", "globex"), "acme", "us-east-1:000000000000", "/data/in.jsonl")


def read(*lines: str | bytes, route: Route = ROUTE, limit: int | None = None) -> list[InputLine | BadLine]:
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    source, index = LineSource(io.BytesIO(data), Path("in.jsonl")), LineIndex()
    with closing(index):
        return [
            read_line(number, raw, route, name="in.jsonl", occurrence=index.occurrence)
            for number, _, raw in source.lines(limit)
        ]


def keys(*lines: str, route: Route = ROUTE) -> list[str]:
    return [line.key for line in read(*lines, route=route)]


def test_a_line_becomes_the_input_of_an_execution() -> None:
    (line,) = read('{"payload": {"text": "Größe"}, "vendor": "globex"}')
    assert isinstance(line, InputLine)
    assert (line.number, line.vendor, line.execution_input) == (1, "globex", '{"payload":{"text":"Größe"}}')


def test_a_line_without_a_vendor_takes_the_default() -> None:
    (line,) = read('{"payload": {}}')
    assert isinstance(line, InputLine)
    assert line.vendor == "acme"


URGENT_ROUTE = replace(ROUTE, urgent_vendors=frozenset({"acme"}))


def inputs(*lines: str, route: Route = URGENT_ROUTE) -> list[str]:
    return [line.execution_input if isinstance(line, InputLine) else line.reason for line in read(*lines, route=route)]


def test_a_line_may_say_that_it_is_urgent_and_for_whom_it_is() -> None:
    assert inputs(
        '{"payload": {}, "urgent": true, "tenant": "shop-7"}', '{"payload": {}, "urgent": false, "tenant": null}'
    ) == ['{"payload":{},"urgent":true,"tenant":"shop-7"}', '{"payload":{}}']


def test_what_a_line_does_not_say_the_run_says() -> None:
    route = replace(URGENT_ROUTE, urgent=True, tenant="archive")
    assert inputs('{"payload": {}}', '{"payload": {}, "urgent": false, "tenant": "shop-7"}', route=route) == [
        '{"payload":{},"urgent":true,"tenant":"archive"}',
        '{"payload":{},"tenant":"shop-7"}',
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"payload": {}, "urgent": "yes"}', "`urgent` is text; write true or false"),
        ('{"payload": {}, "urgent": 1}', "`urgent` is a number; write true or false"),
        ('{"payload": {}, "urgent": true, "vendor": "globex"}', "`urgent`: globex has no urgent queue; leave it out"),
        ('{"payload": {}, "tenant": ""}', "`tenant` is no name; write text, or leave it out"),
        ('{"payload": {}, "tenant": 7}', "`tenant` is no name;"),
    ],
)
def test_urgency_and_tenant_that_cannot_be_are_refused(line: str, reason: str) -> None:
    assert inputs(line)[0].startswith(f"in.jsonl:1: {reason}")


def test_how_soon_and_for_whom_is_no_part_of_a_key_so_that_nothing_is_called_twice_for_it() -> None:
    plain, changed = '{"payload": {"n": 1}}', '{"payload": {"n": 1}, "urgent": true, "tenant": "shop-7"}'
    assert keys(plain) == keys(changed, route=URGENT_ROUTE)


def test_blank_lines_are_none_but_are_counted() -> None:
    assert [line.number for line in read("", '{"payload": {}}\r', "  ", '{"payload": {"n": 1}}', "")] == [2, 4]


def test_a_limit_counts_lines_that_are_not_blank() -> None:
    assert [line.number for line in read("", '{"payload": {}}', "", "[]", '{"payload": {}}', limit=2)] == [2, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON: Expecting property name"),
        (b'{"payload": {"a": "\xff"}}', "byte 20 is not UTF-8; save the file as UTF-8"),
        ("[" * 100_000, "not readable JSON: "),
        ("[1]", 'the line is a list; write {"payload": {...}}'),
        ("null", "the line is null;"),
        ('{"payload": {}, "priority": 1}', "`priority` is not a field of a line; put it into `payload` or remove it"),
        ('{"vendor": "acme"}', '`payload` is missing; write {"payload": {...}}'),
        ('{"payload": "text"}', "`payload` is text;"),
        (
            '{"payload": {}, "vendor": "initech"}',
            '`vendor` is "initech", which transcribe does not call; it calls acme',
        ),
        ('{"payload": {}, "vendor": 7}', "`vendor` is 7,"),
        ('{"payload": {"n": NaN}}', "`payload` has a number that JSON cannot say"),
        ('{"payload": {"n": 1e999}}', "`payload` has a number that JSON cannot say"),
        ('{"payload": {"n": "\\ud83d"}}', "`payload` has half of a surrogate pair"),
    ],
)
def test_a_bad_line_says_where_and_how_to_fix_it(line: str | bytes, reason: str) -> None:
    good, bad = read('{"payload": {}}', line)
    assert isinstance(good, InputLine)
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith(f"in.jsonl:2: {reason}")
    assert "\n" not in bad.reason


def test_a_vendor_has_to_be_named_where_there_is_a_choice() -> None:
    (line,) = read('{"payload": {}}', route=replace(ROUTE, default_vendor=None))
    assert isinstance(line, BadLine)
    assert line.reason == "in.jsonl:1: `vendor` is missing; name one of acme, globex, or give --vendor"


CLAIMING = replace(ROUTE, claims_buckets={"acme": "claims"})


def payload_of(size: int) -> str:
    """Write a line whose payload has so many bytes."""
    return json.dumps({"payload": {"text": "x" * (size - len('{"text":""}'))}})


def test_a_payload_that_is_too_large_for_the_way_becomes_a_claim_check() -> None:
    small, large = read(payload_of(CARRIED_BYTES), payload_of(CARRIED_BYTES + 1), route=CLAIMING)
    assert isinstance(small, InputLine)
    assert isinstance(large, InputLine)
    assert (small.claim, small.claimed) == (None, b"")
    assert large.claim == Claim.on(large.claimed, "claims", "requests/acme")
    assert len(large.claimed) == large.claim.size_bytes == CARRIED_BYTES + 1
    assert json.loads(large.execution_input) == {"payload": large.claim.pointer()}


@pytest.mark.parametrize(
    ("route", "size", "reason"),
    [
        (ROUTE, CARRIED_BYTES + 1, "and no function of acme reads a claim check; send less"),
        (CLAIMING, LARGEST_BYTES + 1, "store the large part and send its URL"),
    ],
)
def test_a_payload_that_nobody_could_pass_on_is_refused_with_the_fix(route: Route, size: int, reason: str) -> None:
    (line,) = read(payload_of(size), route=route)
    assert isinstance(line, BadLine)
    assert line.reason.startswith(f"in.jsonl:1: `payload` has {size:,} bytes, over ")
    assert reason in line.reason


def test_identical_lines_have_keys_of_their_own_and_the_same_ones_next_time() -> None:
    line = '{"payload": {"n": 1}}'
    first = keys(line, line, line)
    assert len(set(first)) == 3
    assert keys(line, line, line) == first


def test_a_key_does_not_depend_on_place_in_the_file_or_on_writing() -> None:
    (key,) = keys('{"payload": {"a": 1, "b": 2}}')
    assert keys('{"payload": {}}', "", '{ "vendor": "acme", "payload": {"b":2,"a":1} }')[1] == key


def test_workflow_vendor_cloud_and_file_are_part_of_a_key() -> None:
    line, routes = (
        '{"payload": {}}',
        [
            ROUTE,
            replace(ROUTE, workflow="translate"),
            replace(ROUTE, default_vendor="globex"),
            replace(ROUTE, place="us-east-1:123456789012"),
            replace(ROUTE, source="/data/other.jsonl"),
        ],
    )
    assert len({keys(line, route=route)[0] for route in routes}) == len(routes)


def test_an_execution_name_is_within_what_step_functions_takes() -> None:
    (key,) = keys('{"payload": {}}')
    assert execution_name(key, 12) == f"hw-{key}-12"
    assert (len(key), set(key) <= set("0123456789abcdef")) == (24, True)
