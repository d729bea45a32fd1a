"""Bodies as vendors send them: packed, marked, in any charset, in lines, in parts, as XML, and numbers without loss."""

import gzip
import json
import zlib
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from headway_lane.callback.event import read
from headway_lane.contract.exchange import CHARSETS, Callback
from headway_lane.messages.packed import UNPACKED_BYTES
from headway_lane.runtime.errors import Malformed
from hypothesis import given
from hypothesis import strategies as st

ONE = {"id": "job-1", "status": "done"}
TWO = {"id": "job-2", "status": "done"}
NAMES = {"utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"}
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


def callback(**changes: Any) -> Callback:
    return Callback.from_document(
        {"job_id": "id", "status": "status", "success": ["done"], "verification": "none"} | changes
    )


def ids(said: Callback, raw: bytes | str) -> list[str]:
    return [event.job_id for event in read(said, raw.encode() if isinstance(raw, str) else raw).events]


def multipart(fields: dict[str, str], boundary: str, newline: str = "\r\n", charset: str = "utf-8") -> bytes:
    parts = [f'Content-Disposition: form-data; name="{name}"{newline * 2}{value}' for name, value in fields.items()]
    lines = [f"--{boundary}{newline}{part}{newline}" for part in parts]
    return f"{''.join(lines)}--{boundary}--{newline}".encode(charset)


@given(st.sampled_from(sorted(NAMES)), texts, st.sampled_from([bytes, gzip.compress, zlib.compress]))
def test_json_is_read_in_every_unicode_packed_or_not(charset: str, name: str, pack: Any) -> None:
    raw = pack(json.dumps(ONE | {"name": name}, ensure_ascii=False).encode(charset))
    [event] = read(callback(), raw).events
    assert (event.job_id, json.loads(event.body)["name"]) == ("job-1", name)


@given(st.sampled_from(sorted(CHARSETS)), texts)
def test_a_form_says_its_charset_or_the_contract_does(charset: str, name: str) -> None:
    codec = CHARSETS[charset]
    kept = name.encode(codec, errors="ignore").decode(codec)
    fields = ONE | {"name": kept}
    for field in ("charset", "_charset_"):
        [event] = read(
            callback(body="form"), urlencode(fields | {field: charset.upper()}, encoding=codec).encode()
        ).events
        assert json.loads(event.body)["name"] == kept
    [event] = read(callback(body="form", charset=charset), urlencode(fields, encoding=codec).encode()).events
    assert json.loads(event.body) == fields


def test_a_charset_that_decodes_no_text_is_none() -> None:
    for name in ("rot13", "zlib", "unicode_escape", "utf-7", "large"):
        assert ids(callback(body="form"), urlencode(ONE | {"charset": name})) == ["job-1"]


def test_what_unpacks_to_too_much_or_has_no_end_is_malformed() -> None:
    with pytest.raises(Malformed, match="larger than"):
        read(callback(), gzip.compress(b" " * (UNPACKED_BYTES + 1)))
    with pytest.raises(Malformed, match="end is missing"):
        read(callback(), gzip.compress(json.dumps(ONE).encode())[:-9])
    with pytest.raises(Malformed, match="cannot be unpacked"):
        read(callback(), b"\x1f\x8b\x08\xff" + b"\xff" * 20)


def test_members_of_gzip_are_one_body() -> None:
    raw = json.dumps(ONE).encode()
    assert ids(callback(), gzip.compress(raw[:9]) + gzip.compress(raw[9:])) == ["job-1"]


@given(st.sampled_from(["\n", "\r\n", "\n\n", "\n\x1e"]), st.text(max_size=5))
def test_lines_are_events_and_a_broken_one_costs_the_others_nothing(separator: str, name: str) -> None:
    lines = [json.dumps(one | {"name": name, "line": "\u2028"}, ensure_ascii=True) for one in (ONE, TWO)]
    assert ids(callback(), separator.join(lines) + separator) == ["job-1", "job-2"]
    reading = read(callback(), separator.join([*lines, '{"id":']).encode())
    assert len(reading.events) == 2
    assert reading.complaint


def test_a_document_that_is_cut_is_no_list_of_lines() -> None:
    with pytest.raises(Malformed, match="not JSON"):
        read(callback(), json.dumps(ONE, indent=1)[:-3].encode())


@pytest.mark.parametrize("events", [None, ""])
def test_the_body_may_be_the_list_or_its_only_element(events: str | None) -> None:
    said = callback() if events is None else callback(events=events)
    assert ids(said, json.dumps([ONE, TWO])) == ["job-1", "job-2"]
    assert ids(said, json.dumps(ONE)) == ["job-1"]
    with pytest.raises(Malformed, match=r"no list of events|no job ID"):
        read(said, b"[]")


@pytest.mark.parametrize("before", ["", "data.", "data.items."])
def test_events_behind_the_first_are_not_lost(before: str) -> None:
    whole: Any = [ONE, TWO]
    for name in reversed(before.split(".")[:-1]):
        whole = {name: whole}
    assert ids(callback(job_id=f"{before}0.id", status=f"{before}0.status"), json.dumps(whole)) == ["job-1", "job-2"]


def test_one_event_in_places_of_a_list_stays_one() -> None:
    assert ids(callback(job_id="0.id", status="1.status"), json.dumps([{"id": "job-1"}, {"status": "done"}])) == [
        "job-1"
    ]


def test_too_many_events_and_fields_are_refused() -> None:
    with pytest.raises(Malformed, match="10,000 events"):
        read(callback(), ("[" + "{}," * 10_000 + "{}]").encode())
    with pytest.raises(Malformed, match="10,000 fields"):
        read(callback(body="form"), b"a=1&" * 10_001)
    with pytest.raises(Malformed, match="10,000 fields"):
        read(callback(body="form"), multipart({f"n{number}": "" for number in range(10_001)}, "b"))


@given(st.from_regex(r"[A-Za-z0-9'()+_,./:=?-]{1,70}", fullmatch=True), st.sampled_from(["\r\n", "\n"]), texts)
def test_parts_are_fields(boundary: str, newline: str, name: str) -> None:
    [event] = read(callback(body="form"), multipart(ONE | {"name": name}, boundary, newline)).events
    assert json.loads(event.body) == ONE | {"name": name}


def test_a_form_whose_fields_are_signed_is_read_as_they_were_signed() -> None:
    said = callback(body="form", verification="twilio")
    for raw in (multipart(ONE, "b"), gzip.compress(urlencode(ONE).encode())):
        with pytest.raises(Malformed, match="no job ID"):
            read(said, raw)


@given(texts)
def test_json_in_a_field_is_gone_into(name: str) -> None:
    said = callback(body="form", job_id="payload.job.id", status="payload.status")
    inner = json.dumps({"job": {"id": "job-1"}, "status": "done", "name": name})
    assert ids(said, f"payload={quote_plus(inner)}") == ["job-1"]
    assert ids(callback(job_id="m.id", status="m.status"), json.dumps({"m": json.dumps(ONE)})) == ["job-1"]


@pytest.mark.parametrize("events", ["mandrill_events", "payload.items"])
def test_a_field_of_a_form_may_be_a_list_of_events(events: str) -> None:
    name, _, inner = events.partition(".")
    field = {name: json.dumps({inner: [ONE, TWO]} if inner else [ONE, TWO])}
    assert ids(callback(body="form", events=events), urlencode(field)) == ["job-1", "job-2"]


def test_names_may_have_dots_and_the_nested_value_wins() -> None:
    said = callback(events="shop.order.paid", job_id="a.id")
    assert ids(said, json.dumps({"shop.order.paid": [{"a.id": 7, "status": "done"}]})) == ["7"]
    assert ids(said, json.dumps({"shop": {"order.paid": [{"a": {"id": 8}, "a.id": 7, "status": "done"}]}})) == ["8"]


def test_a_name_with_dots_is_nothing_beside_fields_that_are_signed() -> None:
    with pytest.raises(Malformed, match="no job ID"):
        read(callback(job_id="item.id", verification="adyen"), json.dumps({"item.id": 7, "status": "done"}).encode())


@given(st.integers(-(10**200), 10**200), st.sampled_from(["", ".0", ".000", "e0", "E+0"]))
def test_whole_numbers_are_ids_without_loss(number: int, spelling: str) -> None:
    assert ids(callback(), f'{{"id":{number}{spelling},"status":"done"}}') == [str(number)]


@given(st.from_regex(r"[1-9][0-9]{0,30}\.[0-9]{0,20}[1-9]0{0,3}", fullmatch=True))
def test_decimals_are_ids_as_written(number: str) -> None:
    assert ids(callback(), f'{{"id":{number},"status":"done"}}') == [number]


def test_a_status_may_be_a_number_however_it_is_written() -> None:
    said = callback(status="status.id", success=["3"])
    for three in ("3", "3.0", "3e0", '"3"'):
        assert ids(said, f'{{"id":"job-1","status":{{"id":{three}}}}}') == ["job-1"]


XML = '<E xmlns="urn:e">{}</E>'
XML_EVENT = '<Job kind="a"><Id>{}</Id><Status>done</Status><Name>{}</Name></Job>'


@given(st.sampled_from(["utf-8", "utf-16", "iso-8859-1", "windows-1252", "utf-8-sig"]))
def test_xml_is_read_in_its_own_charset(charset: str) -> None:
    said = callback(body="xml", job_id="Job.Id", status="Job.Status")
    head = f'<?xml version="1.0" encoding="{charset.removesuffix("-sig")}"?>'
    [event] = read(said, (head + XML.format(XML_EVENT.format("job-1", "Martín"))).encode(charset)).events
    job = {"@kind": "a", "Id": "job-1", "Status": "done", "Name": "Martín"}
    assert (event.job_id, json.loads(event.body)) == ("job-1", {"Job": job})


def test_elements_of_xml_are_events_one_or_many() -> None:
    said = callback(body="xml", events="Job", job_id="Id", status="Status")
    jobs = [XML_EVENT.format(name, "") for name in ("job-1", "job-2")]
    assert ids(said, XML.format(jobs[0])) == ["job-1"]
    assert ids(said, XML.format("".join(jobs))) == ["job-1", "job-2"]


@pytest.mark.parametrize(
    "raw",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
        "<a>" * 200_000 + "</a>" * 200_000,
        "<a>" * 101 + "</a>" * 101,
        "{}",
        "",
    ],
    ids=["entity", "definition elsewhere", "very deep", "deep", "JSON", "empty"],
)
def test_dangerous_and_broken_xml_is_malformed(raw: str) -> None:
    with pytest.raises(Malformed, match=r"no XML|nested deeper"):
        read(callback(body="xml", job_id="a"), raw.encode())
