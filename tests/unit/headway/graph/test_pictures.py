"""What is drawn: everything of the machine, everything of the run, and nothing that a stranger's text could do."""

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest

from headway.graph.course import course
from headway.graph.drawn import text_width
from headway.graph.machine import MachineGraph, read
from headway.graph.mermaid import mermaid
from headway.graph.svg import svg
from tests.unit.headway.graph.histories import failed_shipment, shipment

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert('1')</script>\x00&\"]"


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314 - ours


def classes(picture: str, name: str) -> set[str]:
    [found] = [
        group.get("class", "")
        for group in ElementTree.fromstring(picture).iter(f"{SVG}g")  # noqa: S314 - ours
        if (title := group.find(f"{SVG}title")) is not None and (title.text or "").startswith(f"{name} (")
    ]
    return set(found.split())


def hostile() -> MachineGraph:
    state = {"Type": "Choice", "Choices": [{"Condition": HOSTILE, "Next": "b"}], "Default": "b", "Comment": HOSTILE}
    return read({"StartAt": HOSTILE, "States": {HOSTILE: state, "b": {"Type": "Fail", "Error": HOSTILE}}}, "f")


def long_machine(count: int) -> MachineGraph:
    """A machine of so many states, every third a Choice that leads back or far ahead."""
    states: dict[str, Any] = {}
    for number in range(count):
        name, following = f"State{number}", f"State{number + 1}"
        if number == count - 1:
            states[name] = {"Type": "Succeed"}
        elif number % 3:
            catch = [{"ErrorEquals": ["States.ALL"], "Next": f"State{count - 1}"}] if number % 10 == 1 else []
            states[name] = {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Catch": catch,
                "Next": following,
            }
        else:
            rules = [{"Condition": f"{{% $n = {number} %}}", "Next": f"State{max(0, number - 2)}"}]
            states[name] = {"Type": "Choice", "Choices": rules, "Default": following}
    return read({"StartAt": "State0", "States": states}, "long")


def test_a_picture_has_every_state_condition_and_caught_error() -> None:
    machine = shipment()
    said = texts(svg(machine, "shipment"))
    assert machine.all_states.keys() <= set(said)
    assert {
        "shipment",
        "Start",
        "End",
        "lines = []",
        "otherwise",
        "States.TaskFailed",
        "States.HeartbeatTimeout",
    } <= set(said)
    assert "Task \N{MIDDLE DOT} sqs:sendMessage \N{MIDDLE DOT} waits for callback" in said


def test_a_run_is_told_with_times_retries_and_errors() -> None:
    machine = shipment()
    picture = svg(machine, "shipment", course(failed_shipment(), machine), "order-17")
    said = texts(picture)
    assert {"order-17: FAILED after 24.7 s", "Order.Failed: Send gave up", "400 ms \N{MIDDLE DOT} 1 retry"} <= set(said)
    assert {"DynamoDB.ThrottlingException", "Carrier.Closed \N{MULTIPLICATION SIGN}3"} <= set(said)
    assert "failed" in classes(picture, "Send")
    assert "caught" in classes(picture, "ShipLines")
    assert classes(picture, "Remind") == {"state", "wait"}
    assert picture.count('class="edge catch taken"') == 2
    assert "Carrier.Closed: Carrier.Closed &lt;it&gt; was" in picture


def test_no_text_of_a_stranger_becomes_markup() -> None:
    picture = svg(hostile(), HOSTILE)
    root = ElementTree.fromstring(picture)  # noqa: S314 - it is what is tested
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "style", "rect", "g", "path", "polygon", "text"),
    }
    assert "</text><script>alert('1')</script>&\"]" in texts(picture)


def test_an_svg_loads_nothing() -> None:
    picture = svg(shipment(), "shipment")
    assert not re.search(r"url\(|href|@import|<image|http://(?!www\.w3\.org/2000/svg)", picture)


def test_a_cause_that_looks_like_a_task_token_is_not_shown() -> None:
    events = failed_shipment()
    events[-1]["executionFailedEventDetails"]["cause"] = "AQCEAAAAKgAAAAMAAAAA" * 12
    machine = shipment()
    assert "AQCEAAAAKgAAAAMAAAAA" not in svg(machine, "shipment", course(events, machine), "order-17")


def test_boxes_and_labels_of_one_level_do_not_touch() -> None:
    root = ElementTree.fromstring(svg(long_machine(40), "long"))  # noqa: S314 - ours
    boxes = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") in ("box", "paper")]
    assert len(boxes) > 40
    for one, other in combinations(boxes, 2):
        (x1, y1, w1, h1), (x2, y2, w2, h2) = (
            [float(box.get(name, "")) for name in ("x", "y", "width", "height")] for box in (one, other)
        )
        assert x1 + w1 <= x2 + 0.2 or x2 + w2 <= x1 + 0.2 or y1 + h1 <= y2 + 0.2 or y2 + h2 <= y1 + 0.2


def test_three_hundred_states_are_all_drawn() -> None:
    machine = long_machine(300)
    picture = svg(machine, "long")
    assert all(f">{name}<" in picture for name in machine.all_states)


@pytest.mark.parametrize(("words", "font", "least"), [("iii", 10, 6), ("Task", 10, 19), ("\u4e16\u754c", 10, 20)])
def test_a_text_is_taken_for_rather_too_wide(words: str, font: float, least: float) -> None:
    assert least <= text_width(words, font) <= 1.6 * least


def test_mermaid_has_boxes_for_what_is_nested_and_dashes_for_what_is_caught() -> None:
    machine = shipment()
    chart = mermaid(machine, "shipment", course(failed_shipment(), machine), "order-17").splitlines()
    assert chart[:4] == ["---", 'title: "shipment"', "---", "flowchart TD"]
    assert (
        sum(line.strip().startswith("subgraph") for line in chart) == sum(line.strip() == "end" for line in chart) == 4
    )
    numbers = dict(re.findall(r'^ *(?:subgraph )?(s\d+)\W*"<b>(\w+)</b>', "\n".join(chart), re.MULTILINE))
    of = {name: number for number, name in numbers.items()}
    assert of.keys() == machine.all_states.keys()
    assert f'  {of["ShipLines"]} -. "States.ALL" .-> {of["Refund"]}' in chart
    assert f"  class {of['OrderFailed']},{of['Send']} failed" in chart
    assert "%% order-17: FAILED after 24.7 s" in chart


def test_mermaid_reads_no_text_of_a_stranger() -> None:
    chart = mermaid(hostile(), HOSTILE)
    assert "<script" not in chart
    assert all(line.count('"') % 2 == 0 for line in chart.splitlines())
