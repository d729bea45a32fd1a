"""XML of a callback as a document: what is in the root is an object, what stands there several times a list.

Names are without their namespace; an attribute is `@name`, the text beside attributes or children `#text`.
Definitions of types and entities are refused: they are what makes XML dangerous.
"""

from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from headway_lane.runtime.errors import Malformed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NESTED_COUNT: Final = 100
"""How deep elements may lie in each other."""


def document(raw: bytes) -> dict[str, Any]:
    """Read XML by the charset that it says itself; Malformed where it cannot be read."""
    parser = DefusedXMLParser(forbid_dtd=True)
    try:
        parser.feed(raw.strip(b" \t\r\n") if b"\0" not in raw[:4] else raw)
        root = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Malformed("the callback is no XML, or has definitions of its own") from error
    value = _value(root, NESTED_COUNT)
    return value if isinstance(value, dict) else {"#text": value}


def _value(element: "Element", left_count: int) -> Any:
    if not left_count:
        raise Malformed(f"the callback is nested deeper than {NESTED_COUNT}")
    text = (element.text or "").strip()
    found: dict[str, Any] = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    several: dict[str, list[Any]] = {}
    for child in element:
        several.setdefault(_local(child.tag), []).append(_value(child, left_count - 1))
    found |= {name: values[0] if len(values) == 1 else values for name, values in several.items()}
    if not found:
        return text
    return found | {"#text": text} if text else found


def _local(name: str) -> str:
    return name.rpartition("}")[2]
