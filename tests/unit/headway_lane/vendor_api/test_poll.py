"""Job IDs in the paths of polls, results and lookups: none leads elsewhere."""

import json
from urllib.parse import unquote

import httpx
import pytest
from headway_lane.callback import event
from headway_lane.contract import paths
from headway_lane.contract.exchange import Callback, Header
from headway_lane.results import handler
from headway_lane.runtime.errors import FailTask, InDoubt, Malformed, RetryLater
from headway_lane.vendor_api.job_status import ask
from headway_lane.vendor_api.lookup import job_of_key
from headway_lane.vendor_api.poll import filled
from headway_lane.vendor_api.submission import job_id_of
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import ASKING, FakeTurns, FakeVendor, Worker, vendor_of

PATH = "/v1/jobs/{job_id}/result?expand=1"
LEADING_AWAY = [
    *(".", "..", "../", "/..", "./", "../..", "a/..", "../a", "a/../b", "a/./b", "..\\a", "a\\.."),
    *("%2e%2e", "%2E.", ".%2e", "%2e", "%252e%252e", "%25252e.", "..%2fa", "a%2f..", "a%5c..", "%2e%2e%2fadmin"),
    *("..;", "..;x=1", ".;/a", "..;/..", " ..", ".. "),
]
STAYING = [
    *("job-1", "a.b", "...", "..a", "a..", ".a", "a.", "a/b", "/", "?x=1", "a?b", "#", "a#b", "a&b", "a;b", "%2e%2ea"),
    *("a b", "\x00", "a\r\nHost: evil", "\x1b[31m", "{job_id}", "%", "%zz", "%2f", "ü", "\u202e", "//evil.example"),
    *("projects/p/operations/7", "https://evil.example/", "@evil.example", "a" * 1_024),
]
CALLBACK = Callback.from_document({"job_id": "id", "verification": "none"})


@pytest.mark.parametrize("job_id", LEADING_AWAY)
def test_an_id_that_would_leave_its_place_is_no_job_id_wherever_it_comes_from(job_id: str) -> None:
    assert paths.identifier(job_id) is None
    with pytest.raises(Malformed, match="no job ID"):
        event.read(CALLBACK, json.dumps({"id": job_id}).encode())
    with pytest.raises(FailTask, match="without a job ID"):
        job_id_of(vendor_of(), httpx.Response(201, json={"id": job_id}))


@pytest.mark.parametrize("header", ["..", "/v1/jobs/..", "https://vendor.example/v1/jobs/%2e%2e?x=1", "/v1/jobs/../"])
def test_a_header_that_ends_so_has_no_job_id_either(header: str) -> None:
    vendor = vendor_of({"submit.job_id": {"header": "Location"}})
    assert isinstance(vendor.submit.job_id, Header)
    with pytest.raises(FailTask, match="without a job ID"):
        job_id_of(vendor, httpx.Response(201, headers={"Location": header}))


@pytest.mark.parametrize("job_id", [*LEADING_AWAY, ""])
def test_an_id_that_is_in_the_ledger_already_is_asked_about_nowhere(worker: Worker, job_id: str) -> None:
    """One that the direct way or an older version has let in."""
    with pytest.raises(ValueError, match="can be no part of the path"):
        filled(PATH, job_id=job_id)
    report = handler.result_of(worker.profiles.contract, "call-1", job_id)
    assert report["error"] == "Result.Unavailable"
    asking = {"path": "/v1/jobs/{job_id}", "timeout_s": 5, "success": ["200"], "after_s": 1, "every_s": 1}
    poll, turns = vendor_of({"poll": asking}).poll, FakeTurns()
    assert poll
    with pytest.raises(RetryLater, match="can be no part of the path"):
        ask(worker.vendor.proxy(), poll, job_id, turns)
    keyed = {**ASKING, "submit.lookup": {"path": "/v1/jobs/{idempotency_key}", "timeout_s": 5, "job_id": "id"}}
    with pytest.raises(InDoubt, match="can be no part of the path"):
        job_of_key(worker.vendor.proxy(), vendor_of(keyed), job_id, turns)
    assert (worker.vendor.requests, turns.told) == ([], [])


@pytest.mark.parametrize("key", [".", "..", "%2e%2e"])
def test_a_key_in_a_query_leads_nowhere_and_may_be_anything(key: str) -> None:
    vendor = FakeVendor(httpx.Response(200, json={"data": [{"id": "job-1"}]}))
    assert job_of_key(vendor.proxy(), vendor_of(ASKING), key, FakeTurns()) == "job-1"
    assert vendor.requests[0].url.params["reference"] == key


def sent(job_id: str) -> httpx.URL:
    """Return the URL that the vendor sees."""
    vendor = FakeVendor(httpx.Response(200, json={}))
    vendor.proxy().send("GET", filled(PATH, job_id=job_id), 5)
    return vendor.requests[0].url


@pytest.mark.parametrize("job_id", STAYING)
def test_any_other_id_stays_one_part_of_its_path(job_id: str) -> None:
    assert paths.identifier(job_id) == job_id
    url = sent(job_id)
    path, _, query = url.raw_path.decode().partition("?")
    *before, place, after = path.split("/")
    assert (url.host, before, after, query) == ("proxy.example", ["", "live", "v1", "jobs"], "result", "expand=1")
    assert unquote(place) == job_id


@given(st.text(st.sampled_from("./\\%2eE5cfF;?# a"), min_size=1, max_size=12))
def test_no_id_leads_away_however_often_it_is_decoded(job_id: str) -> None:
    if paths.identifier(job_id) is None:
        return
    text = sent(job_id).raw_path.decode().partition("?")[0]
    for _ in range(8):
        assert not {".", ".."} & set(text.replace("\\", "/").split("/")), text
        text = unquote(text)
