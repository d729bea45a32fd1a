"""Two interpreters over the same machines: they do the same, but where it is known that they do not."""

from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import boto_client

from tests.cloud.started import started
from tests.interpreters.comparison import SIDES, Differences, known, observed
from tests.interpreters.runs import MACHINES
from tests.interpreters.second import evaluate

HOW = "python -m tests.interpreters --write, and say in the new rows whose way is AWS's"


def test_they_differ_where_it_is_known_and_nowhere_else(tmp_path: Path) -> None:
    """Machines that wait for seconds are run once more, by themselves: beside forty others they may be too late."""
    table = known()
    with started(tmp_path / "all") as cloud:
        differences = observed(cloud.endpoint_url)
    assert set(differences.kinds) == set(table["kinds"]), HOW
    if doubted := _unexpected(differences, table):
        with started(tmp_path / "again") as cloud:
            again = observed(cloud.endpoint_url, doubted)
        assert _unexpected(again, table, doubted) == {}, HOW


def _unexpected(differences: Differences, table: Any, among: Collection[str] = ()) -> dict[str, Sequence[str]]:
    """Return the machines that do not differ as the table says, of all or `among` some, with what they do."""
    known_lines = {name: sorted(row["lines"]) for name, row in table["machines"].items()}
    names = among or {*differences.machines, *known_lines}
    found = {name: sorted(differences.machines.get(name, [])) for name in names}
    return {name: lines for name, lines in found.items() if lines != known_lines.get(name, [])}


def test_each_known_difference_says_whose_way_is_that_of_aws() -> None:
    rows = [row for part in known().values() for row in part.values()]
    assert {row["aws"] for row in rows} <= {*SIDES, "neither"}
    assert all(len(row["witness"]) > 1 for row in rows)


def test_no_two_machines_have_one_name() -> None:
    names = [machine["name"] for machine in MACHINES]
    assert len(names) == len(set(names)) >= 30
    assert set(known()["machines"]) <= set(names)


def test_the_names_of_moto_that_are_replaced_are_there() -> None:
    # Read comparison and second.py again when this fails: the names are private.
    assert version("moto") == "5.2.5"
    assert callable(getattr(boto_client, "moto_server_port", None))
    assert hasattr(moto_jsonata, "_eval_jsonata")
    assert isinstance(Preprocessor._query_language_per_scope, list)


def test_an_expression_as_moto_composes_it_is_evaluated() -> None:
    assert evaluate('($states:={"input":{"rows":[1,2]}};$x:=3;$sum($states.input.rows) + $x)') == 6
    assert evaluate("($x := null; {'none': $x, 'list': [1]})") == {"none": None, "list": [1]}
    with pytest.raises(moto_jsonata.JSONataException):
        evaluate("'text' / 42")
