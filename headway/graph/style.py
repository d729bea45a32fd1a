"""How a graph looks, by day and by night. Colours are GitHub's own; text has 4.5:1 on what is behind it (WCAG AA)."""

from collections.abc import Mapping
from typing import Final

LEGEND: Final = (
    ("done", "succeeded"),
    ("caught", "failed, and caught"),
    ("failed", "failed"),
    ("running", "running"),
    ("stopped", "stopped"),
    ("", "not reached"),
)
"""What colours a run: class of a state, and what it means."""

_DAY: Final = {
    "page": "#ffffff",
    "line": "#57606a",
    "name": "#1f2328",
    "note": "#57606a",
    "box": "#f6f8fa",
    "edge": "#8c959f",
    "inside": "#ffffff",
    "done": "#1a7f37",
    "done-box": "#dafbe1",
    "caught": "#9a6700",
    "caught-box": "#fff8c5",
    "failed": "#cf222e",
    "failed-box": "#ffebe9",
    "running": "#0969da",
    "running-box": "#ddf4ff",
    "stopped": "#8250df",
    "stopped-box": "#fbefff",
}
_NIGHT: Final = {
    "page": "#0d1117",
    "line": "#8b949e",
    "name": "#e6edf3",
    "note": "#a9b3bd",
    "box": "#21262d",
    "edge": "#6e7681",
    "inside": "#161b22",
    "done": "#3fb950",
    "done-box": "#10331e",
    "caught": "#d29922",
    "caught-box": "#3b2e0a",
    "failed": "#ff7b72",
    "failed-box": "#4b1113",
    "running": "#58a6ff",
    "running-box": "#0c2d4d",
    "stopped": "#bc8cff",
    "stopped-box": "#2f1f4d",
}
_ENDS: Final = ("done", "caught", "failed", "running", "stopped")


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


STYLE: Final = f"""
  svg {{ {_variables(_DAY)} }}
  @media (prefers-color-scheme: dark) {{ svg {{ {_variables(_NIGHT)} }} }}
  svg {{ font-family: -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }}
  .page {{ fill: var(--page); }}
  text {{ text-anchor: middle; font-size: 11.5px; fill: var(--note); }}
  .heading {{ text-anchor: start; font-size: 18px; font-weight: 600; fill: var(--name); }}
  .status {{ text-anchor: start; font-size: 13px; fill: var(--name); }}
  .cause {{ text-anchor: start; font-size: 13px; fill: var(--failed); }}
  .legend {{ text-anchor: start; }}
  .name {{ font-size: 14px; font-weight: 600; fill: var(--name); }}
  .done text.done, text.done {{ font-weight: 600; fill: var(--name); }}
  text.error {{ font-weight: 600; fill: var(--failed); }}
  .box, .key {{ fill: var(--box); stroke: var(--line); stroke-width: 1.2; }}
  .within > .box {{ fill: var(--inside); }}
  .pass > .box, .wait > .box {{ stroke-dasharray: 2 3; }}
  .succeed > .box {{ stroke: var(--done); stroke-width: 2; }}
  .fail > .box {{ stroke: var(--failed); stroke-width: 2; }}
  .terminal {{ fill: var(--page); stroke: var(--line); stroke-width: 1.2; }}
  circle.start {{ fill: var(--line); }}
  .terminal-word {{ fill: var(--name); }}
  .edge {{ fill: none; stroke: var(--edge); stroke-width: 1.5; }}
  .tip {{ fill: var(--edge); }}
  .edge.catch {{ stroke-dasharray: 6 4; }}
  .label rect {{ fill: var(--page); }}
  .inside .label rect {{ fill: var(--inside); }}
  .label.catch text {{ font-style: italic; }}
  .run .state:not({", ".join(f".{end}" for end in _ENDS)}) {{ opacity: 0.5; }}
  .run .edge:not(.taken), .run .tip:not(.taken), .run .label:not(.taken) text {{ opacity: 0.45; }}
  .run .edge.taken {{ stroke: var(--done); stroke-width: 2.6; }}
  .run .tip.taken {{ fill: var(--done); }}
  .run .edge.catch.taken {{ stroke: var(--caught); }}
  .run .tip.catch.taken {{ fill: var(--caught); }}
  .run .label.taken text {{ fill: var(--name); font-weight: 600; }}
""" + "".join(
    f"  .{end} > .box, .key.{end} {{ fill: var(--{end}-box); stroke: var(--{end}); "
    "stroke-width: 2; stroke-dasharray: none; }\n"
    f"  .within.{end} > .box {{ fill: var(--inside); }}\n"
    for end in _ENDS
)
"""Of the whole picture. `.run` is one with a course: what was not taken steps back."""
