import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from headway.report import page
from headway.report.model import SUCCEEDED, CallTimes, ContractLine, RunSummary
from headway.report.page import render, verdict, write
from headway.report.plots import latency_spread, rate_over_time

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Outline(HTMLParser):
    """Collects tags, attributes and IDs, and fails on a tag that closes another."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def call(line: int, sent_ms: int) -> CallTimes:
    accepted = sent_ms + 90 + line % 7
    answered = accepted + 1500 + 40 * (line % 11)
    return CallTimes(
        f"call-{line}", line, SUCCEEDED, None, None, 0, sent_ms, accepted, answered, answered + 60, answered + 80
    )


def run(*calls: CallTimes, amount: int = 10) -> RunSummary:
    return RunSummary(
        "transcribe", "acme", "local", "in.jsonl", 0, 14_000, ContractLine(amount, 1, "submit"), calls, 0, "0.1.0"
    )


HUNDRED = run(*(call(n, n * 110) for n in range(1, 101)))


def test_the_verdict_says_the_run_in_one_line() -> None:
    assert verdict(HUNDRED) == "100 of 100 succeeded · 9.1 calls/s of 10/s (91 %) · 0 violations"


def test_the_verdict_takes_the_vendors_count() -> None:
    report = {"submit": {"calls": 101, "refused": 1, "worst_window": 11, "violations": 1, "utilisation": 0.97}}
    seen = replace(HUNDRED, vendor_report=report)
    assert verdict(seen) == "100 of 100 succeeded · 9.7 calls/s of 10/s (97 %) · 1 violation"
    assert "Seen by the vendor" in render(seen)
    assert "Seen by the vendor" not in render(HUNDRED)


def test_a_slow_contract_is_said_in_its_own_unit() -> None:
    slow = replace(HUNDRED, contract=ContractLine(30, 60, "submit"), calls=(call(1, 0), call(2, 2500)))
    assert verdict(slow) == "2 of 2 succeeded · 24 calls/min of 30/min (80 %) · 0 violations"


def test_the_sender_says_that_the_vendors_count_binds() -> None:
    assert "as seen by the sender; the vendor's own count is the one that binds" in render(HUNDRED)


def test_the_page_is_well_formed_and_loads_and_runs_nothing() -> None:
    html = render(HUNDRED)
    outline = Outline(html)
    assert outline.tags.isdisjoint({"script", "link", "img", "iframe", "object", "image"})
    assert not [name for name, _ in outline.attributes if name.startswith("on") or name == "src"]
    assert all(value.startswith("#") for name, value in outline.attributes if name.endswith("href"))
    assert set(re.findall(r"https?://[^\"\s)]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "<?xml" not in html
    assert html.count("<!") == html.count("<!doctype html>") + html.count("<!--")


def test_ids_are_unique_and_every_reference_is_met() -> None:
    html = render(HUNDRED)
    ids = Outline(html).ids
    assert len(ids) == len(set(ids))
    assert {*re.findall(r'href="#([^"]+)', html), *re.findall(r"url\(#([^)]+)", html)} <= set(ids)


def test_equal_runs_give_equal_bytes() -> None:
    one = run(call(1, 500))
    assert render(one) == render(one)


def test_markup_in_the_run_is_inert() -> None:
    evil = '"><script>alert(1)</script>'
    html = render(replace(run(), workflow=evil, vendor=evil, input_name=evil, target=evil, headway_version=evil))
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)") == 6  # the workflow's name is in the title too


def test_markup_in_a_call_is_inert() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    html = render(run(replace(call(1, 0), execution=evil, outcome=evil, error=evil, cause=evil)))
    assert Outline(html).tags.isdisjoint({"script", "img"})
    assert html.count("&lt;script&gt;") == 4  # error and cause of the failure, ID and error of the call


def test_markup_in_the_vendors_report_is_inert() -> None:
    html = render(replace(run(), vendor_report={"<script>": {"calls": "<script>", "violations": 0}}))
    assert "<script" not in html


def test_failures_are_tabled_with_cause_and_lines() -> None:
    lost = [
        replace(call(n, 0), outcome="failed", error="Vendor.Rejected", cause="too large", finished_epoch_ms=None)
        for n in (3, 4, 9)
    ]
    html = render(run(call(1, 0), *lost))
    assert "1 of 4 succeeded" in html
    assert "too large" in html
    assert "3-4, 9" in html


def test_only_the_first_two_hundred_calls_are_listed() -> None:
    html = render(run(*(call(n, n * 110) for n in range(1, 251))))
    assert "200 of 250 calls" in html
    assert html.count('<td class="id">') == 200


def test_a_run_without_calls_reads_sensibly() -> None:
    html = render(run())
    assert "No calls were made" in html
    assert "No call was sent, so there is nothing to draw." in html
    assert "<svg" not in html
    Outline(html)


def test_a_run_of_one_call_has_no_rate_but_both_plots() -> None:
    html = render(run(call(1, 500)))
    assert "1 of 1 succeeded · too few calls sent to measure a rate · 0 violations" in html
    assert html.count("<svg") == 2


def test_a_run_in_which_no_call_was_even_queued_still_renders() -> None:
    lost = CallTimes("x", 1, "failed", None, None, None, None, None, None, None, None)
    html = render(run(lost, replace(lost, line=2)))
    assert "0 of 2 succeeded" in html
    assert "No call passed any stage" in html


def test_stages_that_took_no_time_can_be_drawn() -> None:
    instant = CallTimes("x", 1, SUCCEEDED, None, None, 5, 5, 5, 5, 5, 5)
    assert "<svg" in (latency_spread(run(instant)) or "")


def test_the_contract_is_a_named_line_and_red_only_when_crossed() -> None:
    kept, broken = rate_over_time(HUNDRED), rate_over_time(replace(HUNDRED, contract=ContractLine(4, 1, "submit")))
    assert kept is not None
    assert broken is not None
    assert "contract: 10 calls per second" in kept
    assert "contract: 4 calls per second" in broken
    assert broken.count("#b83b00") > kept.count("#b83b00")


def test_a_long_run_stays_a_small_picture_that_keeps_its_peaks() -> None:
    calls = [call(n, n * 110) for n in range(1, 5001)]
    kept, broken = rate_over_time(run(*calls)), rate_over_time(run(*calls, call(5001, 300_000), call(5002, 300_001)))
    assert kept is not None
    assert broken is not None
    assert len(broken) < 150_000
    assert broken.count("#b83b00") > kept.count("#b83b00")


def test_a_report_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "report.html"
    assert write(run(), path) == path
    write(run(call(1, 500)), path)
    assert "1 of 1 succeeded" in path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(run(), tmp_path / "report.html")
    before = path.read_text(encoding="utf-8")

    def fail(summary: RunSummary) -> str:
        raise ValueError(summary.workflow)

    monkeypatch.setattr(page, "render", fail)
    with pytest.raises(ValueError, match="transcribe"):
        write(HUNDRED, path)
    assert path.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [path]
