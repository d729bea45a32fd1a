"""A DynamoDB table in memory, as far as the ledger and the reservations ask one: conditional writes, one after the
other. What it does not know it refuses, so that no condition is passed over.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from sys import intern
from typing import Any, Final

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

_ABSENT: Final = re.compile(r"attribute_not_exists\((#?\w+)\)")
_AMONG: Final = re.compile(r"(#?\w+) IN \(([^)]*)\)")
_COMPARED: Final = re.compile(r"(#?\w+) (=|<=) (:\w+)")
_CLAUSE: Final = re.compile(r"(SET|REMOVE|ADD) (.*?)(?= SET | REMOVE | ADD |$)")
_SERIALIZER: Final = TypeSerializer()

KEPT_COUNT: Final = 20_000
"""Of the newest items; calls come here when a dispatcher takes them, and are over within minutes."""

Item = dict[str, Any]
Atom = tuple[str, str, tuple[str, ...]]
"""A relation, a name, and the places of values."""


class VirtualTable:
    """Items by the attribute `key`. `pause` is what a request takes: it is called before each one's effect."""

    def __init__(self, key: str, pause: Callable[[], None]) -> None:
        self.items: dict[str, Item] = {}
        self._key = key
        self._pause = pause

    def get_item(self, *, Key: Mapping[str, str], ConsistentRead: bool) -> dict[str, Item]:  # noqa: N803
        """Read an item, consistently."""
        if not ConsistentRead:
            raise NotImplementedError("reads are consistent here")
        self._pause()
        found = self.items.get(Key[self._key])
        return {} if found is None else {"Item": dict(found)}

    def put_item(self, *, Item: Mapping[str, Any], **rest: Any) -> None:  # noqa: N803
        """Write an item whole, where its condition holds."""
        self._pause()
        self._check(str(Item[self._key]), rest)
        kept = self._kept(str(Item[self._key]))
        kept.clear()
        kept.update({intern(str(name)): value for name, value in Item.items()})

    def update_item(self, *, Key: Mapping[str, str], UpdateExpression: str, **rest: Any) -> dict[str, Item]:  # noqa: N803
        """Change an item, where its condition holds; returns the whole of it."""
        self._pause()
        key = str(Key[self._key])
        self._check(key, rest)
        item = self._kept(key)
        names, values = rest.get("ExpressionAttributeNames", {}), rest["ExpressionAttributeValues"]
        for kind, text in _CLAUSE.findall(UpdateExpression):
            for change in text.split(", "):
                if kind == "REMOVE":
                    item.pop(names.get(change, change), None)
                    continue
                name, place = change.split(" = " if kind == "SET" else " ")
                name, value = names.get(name, name), values[place]
                item[name] = value if kind == "SET" else item.get(name, set()) | value
        return {"Attributes": dict(item)}

    def _kept(self, key: str) -> Item:
        """Return the item of a key, which may be a new one; the oldest is forgotten then."""
        if key not in self.items:
            self.items[key] = {self._key: key}
            if len(self.items) > KEPT_COUNT:
                del self.items[next(iter(self.items))]
        return self.items[key]

    def _check(self, key: str, request: Mapping[str, Any]) -> None:
        """ConditionalCheckFailedException, with the item in DynamoDB's types, where the condition does not hold."""
        item = self.items.get(key, {})
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        for either in _condition(request["ConditionExpression"]):
            if not any(_holds(atom, item, names, values) for atom in either):
                found = {name: _SERIALIZER.serialize(value) for name, value in item.items()}
                answer: Any = {"Error": {"Code": "ConditionalCheckFailedException"}} | (
                    {"Item": found} if found else {}
                )
                raise ClientError(answer, "UpdateItem")


@cache
def _condition(text: str) -> tuple[tuple[Atom, ...], ...]:
    """Read a condition: all of its clauses hold, of each one atom at least."""
    return tuple(tuple(_atom(atom) for atom in _atoms(clause)) for clause in text.split(" AND "))


def _atoms(clause: str) -> list[str]:
    return (clause[1:-1] if clause.startswith("(") else clause).split(" OR ")


def _atom(text: str) -> Atom:
    if found := _ABSENT.fullmatch(text):
        return "absent", found[1], ()
    if found := _AMONG.fullmatch(text):
        return "=", found[1], tuple(found[2].split(", "))
    if found := _COMPARED.fullmatch(text):
        return found[2], found[1], (found[3],)
    raise NotImplementedError(f"a condition of another kind: {text}")


def _holds(atom: Atom, item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    relation, name, places = atom
    value = item.get(names.get(name, name))
    if relation == "absent" or value is None:
        return relation == "absent" and value is None
    if relation == "<=":
        return bool(value <= values[places[0]])
    return value in [values[place] for place in places]
