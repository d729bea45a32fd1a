"""Two vendors in a row."""

from headway.testing.kit.workflow_test import WorkflowTests

TALK = {"payload": {"recording": "talk.mp3", "language": "fr"}}


def test_the_second_is_asked_for_what_the_first_has_made(workflow_test: WorkflowTests) -> None:
    test = workflow_test("subtitles")
    test.vendor("scribe").answers("good morning", after_s=60)
    lingua = test.vendor("lingua").answers("bonjour", after_s=5)
    run = test.run(TALK)
    assert (run.status, run.took_s) == ("SUCCEEDED", 65)
    assert run.output == {"transcript": "good morning", "translation": "bonjour"}
    assert [call.payload for call in lingua.calls] == [{"text": "good morning", "into": "fr"}]


def test_where_the_first_fails_the_second_is_not_asked(workflow_test: WorkflowTests) -> None:
    test = workflow_test("subtitles")
    test.vendor("scribe").fails("silence")
    lingua = test.vendor("lingua").answers("nothing")
    assert (test.run(TALK).status, lingua.calls) == ("FAILED", [])
