"""Two interpreters over the same machines: they do the same, but where it is known that they do not."""

from importlib.metadata import version

import pytest
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import boto_client

from headway.testing.kit.moto_language import evaluate
from tests.interpreters.comparison import SIDES, known, observed
from tests.interpreters.runs import MACHINES

HOW = "python -m tests.interpreters --write, and say in the new rows whose way is AWS's"


def test_they_differ_where_it_is_known_and_nowhere_else() -> None:
    table, differences = known(), observed()
    assert set(differences.kinds) == set(table["kinds"]), HOW
    assert {name: list(lines) for name, lines in differences.machines.items()} == {
        name: row["lines"] for name, row in table["machines"].items()
    }, HOW


def test_each_known_difference_says_whose_way_is_that_of_aws() -> None:
    rows = [row for part in known().values() for row in part.values()]
    assert {row["aws"] for row in rows} <= {*SIDES, "neither"}
    assert all(len(row["witness"]) > 1 for row in rows)


def test_no_two_machines_have_one_name() -> None:
    names = [machine["name"] for machine in MACHINES]
    assert len(names) == len(set(names)) >= 30
    assert set(known()["machines"]) <= set(names)


def test_the_names_of_moto_that_are_replaced_are_there() -> None:
    # Read moto_interpreter.py and moto_language.py again when this fails: the names are private.
    assert version("moto") == "5.2.5"
    assert callable(getattr(boto_client, "moto_server_port", None))
    assert hasattr(moto_jsonata, "_eval_jsonata")
    assert isinstance(Preprocessor._query_language_per_scope, list)


def test_an_expression_as_moto_composes_it_is_evaluated() -> None:
    assert evaluate('($states:={"input":{"rows":[1,2]}};$x:=3;$sum($states.input.rows) + $x)') == 6
    assert evaluate("($x := null; {'none': $x, 'list': [1]})") == {"none": None, "list": [1]}
    with pytest.raises(moto_jsonata.JSONataException):
        evaluate("'text' / 42")
