"""The better vendor, and where it fails, another one."""

from typing import Any

import pytest

from headway.testing.kit.workflow_test import WorkflowTests

ADDRESS = {"payload": {"address": "1 Long Lane"}}


def test_where_the_first_answers_the_second_is_not_asked(workflow_test: WorkflowTests) -> None:
    test = workflow_test("address")
    test.vendor("prime").answers("1 Long Lane, Leeds")
    spare = test.vendor("spare").answers("?")
    run = test.run(ADDRESS)
    assert (run.output, spare.calls) == ({"vendor": "prime", "address": "1 Long Lane, Leeds"}, [])


@pytest.mark.parametrize("word", ["fails", "rejects", "never_answers"])
def test_where_it_does_not_the_second_is_asked_the_same(workflow_test: WorkflowTests, word: str) -> None:
    test = workflow_test("address")
    prime: Any = test.vendor("prime")
    getattr(prime, word)(*([] if word == "never_answers" else ["down"]))
    spare = test.vendor("spare").answers("Leeds")
    run = test.run(ADDRESS)
    assert (run.status, run.output) == ("SUCCEEDED", {"vendor": "spare", "address": "Leeds"})
    assert [call.payload for call in spare.calls] == [ADDRESS["payload"]]
