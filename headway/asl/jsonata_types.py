"""Types in JSONata, as far as an expression says them itself: what is wrong whatever the input is.

An operand without a value makes an expression without one; so what is told here fails wherever its parts have values.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.signature import Signature

from headway.asl.expressions import tree_of
from headway.asl.jsonata_tree import flat, nodes

NUMBER: Final = "a number"
TEXT: Final = "a text"
BOOLEAN: Final = "a boolean"
LIST: Final = "a list"
OBJECT: Final = "an object"
NULL: Final = "null"
FUNCTION: Final = "a function"

_SAMPLES: Final[Mapping[str, tuple[Any, ...]]] = {
    NUMBER: (1,),
    TEXT: ("text",),
    BOOLEAN: (True,),
    LIST: ([], [1], ["text"], [{"a": 1}]),
    OBJECT: ({"a": 1},),
    NULL: (None,),
}
_LITERALS: Final = {"string": TEXT, "number": NUMBER}
_ARITHMETIC: Final = ("+", "-", "*", "/", "%")
_ORDER: Final = ("<", "<=", ">", ">=")
_BOOLEAN: Final = ("=", "!=", "and", "or", "in", *_ORDER)
_EXTRA: Final = {
    "partition": "<an:a>",
    "range": "<nnn:a>",
    "hash": "<ss:s>",
    "random": "<n?:n>",
    "uuid": "<:s>",
    "parse": "<s:x>",
}
"""What Step Functions adds to JSONata ("Transforming data with JSONata" in the developer guide); `$eval` it has not."""
_RESULTS: Final = {
    NUMBER: (
        *("count", "sum", "average", "abs", "floor", "ceil", "round", "power", "sqrt", "random", "millis", "toMillis"),
        *("length", "number", "parseInteger"),
    ),
    TEXT: (
        *("string", "substring", "substringBefore", "substringAfter", "uppercase", "lowercase", "trim", "pad", "join"),
        *(
            "formatNumber",
            "formatBase",
            "formatInteger",
            "now",
            "fromMillis",
            "base64encode",
            "base64decode",
            "replace",
        ),
        *("encodeUrl", "encodeUrlComponent", "decodeUrl", "decodeUrlComponent", "type", "uuid", "hash"),
    ),
    BOOLEAN: ("exists", "contains", "not", "boolean"),
    LIST: ("range", "partition"),
}
_RESULT_OF: Final = {name: kind for kind, names in _RESULTS.items() for name in names}
_MOST_TRIED: Final = 256
HASHES: Final = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")


def function_names() -> frozenset[str]:
    """Return the functions that JSONata has in Step Functions."""
    return frozenset({*_library(), *_EXTRA} - {"eval"})


@lru_cache(8_192)
def problems_of(expression: str) -> tuple[str, ...]:
    """Return what can work with no input, of an expression that can be parsed."""
    return tuple(dict.fromkeys(type_problems(tree_of(expression))))


def type_problems(tree: Any) -> Iterator[str]:
    """Yield what can work with no input, from a parsed expression."""
    found = list(nodes(tree))
    shadowed = {str(node.lhs.value) for node in found if node.type == "bind"}
    piped = {id(node.rhs) for node in found if node.type == "apply"}
    for node in found:
        if node.type == "binary":
            yield from _operator_problems(node)
        elif node.type == "unary" and node.value == "-":
            yield from _wrong(node.expression, "-", (NUMBER,))
        elif (name := called_name(node)) and name not in shadowed:
            first = (None,) if id(node) in piped else ()
            yield from _call_problems(name, first, list(flat(node.arguments)))


def called_name(node: Any) -> str:
    """Return the name of the function that a node calls; "" where it calls none by its name."""
    if node.type == "function" and node.procedure is not None and node.procedure.type == "variable":
        return str(node.procedure.value)
    return ""


def type_of(node: Any) -> str | None:
    """Return what a node is, if it is anything; None where that depends."""
    if node.type in _LITERALS:
        return _LITERALS[node.type]
    if node.type == "value":
        return NULL if node.value is None else BOOLEAN
    if node.type == "lambda":
        return FUNCTION
    if node.type == "unary":
        return {"[": LIST, "{": OBJECT, "-": NUMBER}.get(str(node.value))
    if node.type == "binary":
        return _type_of_binary(str(node.value))
    if name := called_name(node):
        return _RESULT_OF.get(name)
    if node.type == "block":
        inner = list(flat(node.expressions))
        return type_of(inner[-1]) if inner else None
    if node.type == "condition":
        ways = {type_of(node.then), type_of(node._else) if node._else is not None else None}
        return ways.pop() if len(ways) == 1 else None
    return None


def _type_of_binary(sign: str) -> str | None:
    if sign in _ARITHMETIC:
        return NUMBER
    if sign == "&":
        return TEXT
    return BOOLEAN if sign in _BOOLEAN else None


def _operator_problems(node: Any) -> Iterator[str]:
    sign = str(node.value)
    if sign in _ARITHMETIC:
        yield from _wrong(node.lhs, sign, (NUMBER,))
        yield from _wrong(node.rhs, sign, (NUMBER,))
    elif sign in _ORDER:
        yield from _wrong(node.lhs, sign, (NUMBER, TEXT))
        yield from _wrong(node.rhs, sign, (NUMBER, TEXT))
        left, right = type_of(node.lhs), type_of(node.rhs)
        if {left, right} == {NUMBER, TEXT}:
            yield f"`{sign}` compares {left} with {right}"


def _wrong(node: Any, sign: str, wanted: tuple[str, ...]) -> Iterator[str]:
    found = type_of(node)
    if found is not None and found not in wanted:
        yield f"`{sign}` takes {' or '.join(wanted)}, and gets {found}{_quoted(node)}"


def _quoted(node: Any) -> str:
    return f", `{node.value!r}`" if node.type in _LITERALS else ""


def _call_problems(name: str, first: tuple[None, ...], arguments: list[Any]) -> Iterator[str]:
    """Yield what a function does not take; `first` is what is handed to it by `~>`."""
    signature = _signature(name)
    if signature is None:
        return
    if not _takes(signature, [*((None, None) for _ in first), *((type_of(one), _elements(one)) for one in arguments)]):
        given = ", ".join(type_of(argument) or "something" for argument in arguments) or "nothing"
        yield f"`${name}` does not take {given}"
    elif name == "hash" and len(arguments) == 2 and arguments[1].type == "string" and arguments[1].value not in HASHES:
        yield f"`$hash` knows {', '.join(HASHES)}, and not {arguments[1].value!r}"


def _elements(node: Any) -> list[Any] | None:
    """Return samples of what a list that is written out has in it; None where that is not known, or it is no list."""
    if type_of(node) != LIST or node.type != "unary":
        return None
    kinds = [type_of(part) for part in flat(node.expressions)]
    samples = [_SAMPLES[kind][0] for kind in kinds if kind in _SAMPLES and kind is not None]
    return samples if len(samples) == len(kinds) else None


def _takes(signature: Any, types: list[tuple[str | None, list[Any] | None]]) -> bool:
    """Tell whether some values of these types would be taken."""
    some_function = _library()["count"]
    samples = [(known,) if known is not None else _samples(kind, some_function) for kind, known in types]
    if math.prod(map(len, samples)) > _MOST_TRIED:
        return True
    for given in itertools.product(*samples):
        try:
            signature.validate(list(given), None)
        except JException:
            continue
        except Exception:  # not the signature's objection, but a hole of the library
            return True
        return True
    return False


def _samples(kind: str | None, some_function: Any) -> tuple[Any, ...]:
    if kind is None:
        return (None, some_function)
    return (some_function,) if kind == FUNCTION else _SAMPLES[kind]


def _library() -> Mapping[str, Any]:
    Jsonata.get_parser()
    found: Mapping[str, Any] = Jsonata.static_frame.bindings
    return found


def _signature(name: str) -> Any:
    if name in _EXTRA:
        return Signature(_EXTRA[name], name)
    known = _library().get(name)
    return getattr(known, "signature", None)
