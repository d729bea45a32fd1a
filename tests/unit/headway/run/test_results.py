from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from headway.errors import RunRefused
from headway.run.line_index import LineIndex
from headway.run.results import TIMES, LineOutcome, Record, ResultsFile, beside, read_records
from headway.run.worklist import Choice, Past, choose

ARN = "arn:aws:states:us-east-1:000000000000:execution:transcribe:hw-k1-1"
DONE = Record(
    line=1,
    key="k1",
    attempt=1,
    execution=ARN,
    vendor="acme",
    outcome=LineOutcome.SUCCEEDED,
    output={"text": "a\u2028b"},
    error=None,
    cause=None,
    times={"started_epoch_ms": 5, "finished_epoch_ms": 9},
)
FAILED = replace(DONE, outcome=LineOutcome.FAILED, output=None, error="Vendor.Rejected", cause="422")


def write(path: Path, *records: Record) -> None:
    with closing(ResultsFile(path)) as file:
        for record in records:
            file.append(record)


def load(path: Path) -> dict[str, Record]:
    return {record.key: record for record in read_records(path)}


def test_results_are_beside_the_input() -> None:
    assert beside(Path("data/a.jsonl"), "results.jsonl") == Path("data/a.results.jsonl")
    assert beside(Path("a.txt"), "report.html") == Path("a.txt.report.html")


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.results.jsonl"
    write(path, DONE)
    write(path, other := replace(FAILED, key="k2"))
    assert load(path) == {"k1": DONE, "k2": other}
    assert all(name in path.read_text() for name in TIMES)


def test_the_latest_record_of_a_key_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.results.jsonl"
    write(path, FAILED, replace(DONE, attempt=2))
    with closing(LineIndex()) as index:
        index.learn(path)
        assert index.past("k1") == Past(2, True, ARN)
        assert index.past("k2") is None


def test_the_records_of_one_run_begin_where_the_file_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.results.jsonl"
    write(path, DONE)
    path.write_bytes(path.read_bytes() + b'{"line": ' + 3 * (1 << 16) * b" ")
    with closing(ResultsFile(path)) as file:
        file.append(other := replace(DONE, key="k2"))
    assert list(read_records(path, file.began)) == [other]
    assert load(path) == {"k1": DONE, "k2": other}


def test_no_file_means_no_results(tmp_path: Path) -> None:
    assert load(tmp_path / "a.results.jsonl") == {}


@pytest.mark.parametrize("torn", [b'{"line": 2, "key": "k', b'{"line": 2, "cause": "\xc3', DONE.to_json().encode()])
def test_a_torn_last_line_is_passed_over_and_then_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.results.jsonl"
    write(path, FAILED)
    path.write_bytes(path.read_bytes() + torn)
    assert load(path) == {"k1": FAILED}
    write(path, replace(DONE, key="k2"))
    assert [line[:12] for line in path.read_text().splitlines()] == ['{"line": 1, '] * 2
    assert set(load(path)) == {"k1", "k2"}


@pytest.mark.parametrize("line", ["{}", "[]", "not JSON", '{"line": 1}'])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.results.jsonl"
    path.write_text(f"{DONE.to_json()}\n{line}\n")
    with pytest.raises(RunRefused, match=r"a\.results\.jsonl:2: not a record"):
        load(path)


def past(record: Record) -> Past:
    return Past(record.attempt, record.outcome is LineOutcome.SUCCEEDED, record.execution)


def test_a_new_line_is_called_for_the_first_time() -> None:
    assert choose(None, again=False) == Choice(1)


def test_a_line_that_could_not_be_called_is_a_new_one() -> None:
    assert choose(past(replace(FAILED, attempt=None, execution=None)), again=False) == Choice(1)


def test_what_succeeded_is_skipped() -> None:
    assert choose(past(DONE), again=False) is None


def test_what_failed_is_repeated_under_the_next_number_after_a_look_at_the_last_one() -> None:
    assert choose(past(FAILED), again=False) == Choice(2, failed=ARN)


def test_what_perhaps_never_started_keeps_its_number() -> None:
    assert choose(past(replace(FAILED, attempt=3, execution=None)), again=False) == Choice(3)


@pytest.mark.parametrize("record", [DONE, FAILED])
def test_again_repeats_everything_under_the_next_number(record: Record) -> None:
    assert choose(past(replace(record, attempt=4)), again=True) == Choice(5)
