"""The picture of a simulation: how the calls went away, and how full the window was that each of them met."""

import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from io import StringIO
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from headway.report import wording
from headway.report.plots import BLUE, GREY, GRID, PALE, RED
from headway.simulation.outcome import Outcome
from headway.simulator.window import US_PER_S

_MOST_POINTS: Final = 600
_MOST_BARS: Final = 60
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ max-width: 1040px; margin: 0 auto; padding: 24px 20px; font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif;
  color: #1f2933; background: #fff; }}
h1 {{ font-size: 1.3rem; }}
svg {{ display: block; width: 100%; height: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{picture}
</body>
</html>
"""


def write(outcome: Outcome, title: str, path: Path) -> None:
    """Write the picture as SVG, or, to a `.html`, as a page that loads nothing. Raises OSError."""
    picture = draw(outcome)
    if path.suffix == ".html":
        picture = _PAGE.format(title=escape(title), picture=picture[picture.index("<svg") :])
    path.write_text(picture, encoding="utf-8")


def draw(outcome: Outcome) -> str:
    """Draw the first vendor's calls as SVG; equal outcomes give equal text."""
    with mpl.rc_context({"svg.hashsalt": "headway-simulation", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(9, 6.4), layout="constrained", facecolor="white")
        waiting, met = figure.subplots(2, 1)
        _waiting(waiting, outcome)
        _met(met, outcome)
        out = StringIO()
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    # An inline <style> of the picture would reach the whole page; what it says is the default of SVG but for the joins.
    return re.sub(r"<style.*?</style>", "", out.getvalue(), flags=re.DOTALL)


def _waiting(axes: Axes, outcome: Outcome) -> None:
    """Draw the calls that have not arrived yet, beside what the contract would allow to the last call."""
    arrivals_us, binding = outcome.sample_us, outcome.binding
    total = len(arrivals_us)
    unit_us, unit = next(
        (size, name)
        for size, name in ((3_600_000_000, "h"), (60_000_000, "min"), (US_PER_S, "s"))
        if arrivals_us[-1] > 2 * size or name == "s"
    )
    picked = sorted({round(step * (total - 1) / (_MOST_POINTS - 1)) for step in range(_MOST_POINTS)})
    times = [0.0, *(arrivals_us[index] / unit_us for index in picked)]
    left = [total, *(total - index - 1 for index in picked)]
    ideal = total * binding.per_us / binding.amount / unit_us
    _frame(axes)
    axes.fill_between(times, left, color=PALE, linewidth=0)
    axes.plot(times, left, color=BLUE, linewidth=1.4, label="calls that have not reached the vendor")
    axes.plot(
        [0, ideal],
        [total, 0],
        color=RED,
        linewidth=1.4,
        linestyle=(0, (5, 2)),
        label=f"contract: {binding.amount:,} per {wording.window(binding.per_us / US_PER_S)}, fully used",
    )
    axes.set_xlim(0, max(times[-1], ideal))
    axes.set_ylim(0, total * 1.05)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel(f"{unit} since the start", color=GREY)
    axes.set_ylabel("calls waiting", color=GREY)
    axes.legend(frameon=False, fontsize=10, labelcolor=GREY)


def _met(axes: Axes, outcome: Outcome) -> None:
    """Draw how many calls, itself included, each call found in the window that it closed."""
    binding = outcome.binding
    counts = Counter(_fills(outcome.sample_us, binding.per_us))
    step = -(-max(*counts, binding.amount) // _MOST_BARS)
    bars: Counter[int] = Counter()
    for fill, count in counts.items():
        # Bars end at the contract, so that none has calls on both sides of it.
        bars[binding.amount - (binding.amount - fill) // step * step] += count
    _frame(axes)
    shares = [count * 100 / len(outcome.sample_us) for count in bars.values()]
    colours = [RED if fill > binding.amount else BLUE for fill in bars]
    axes.bar(list(bars), shares, width=0.8 * step, color=colours)
    axes.axvline(binding.amount + step / 2, color=RED, linewidth=1.6, linestyle=(0, (5, 2)))
    axes.annotate(
        f"contract: {binding.amount:,}",
        (binding.amount + step / 2, 1),
        xycoords=("data", "axes fraction"),
        xytext=(5, -12),
        textcoords="offset points",
        color=RED,
        fontsize=10,
        fontweight="bold",
    )
    highest = max(*bars, binding.amount)
    axes.set_xlim(min(bars) - step, highest + max(step * 2, 0.2 * (highest - min(bars))))
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.set_xlabel(f"calls in the {wording.window(binding.per_us / US_PER_S)} that ends with a call", color=GREY)
    axes.set_ylabel("% of the calls", color=GREY)


def _fills(ascending_us: Sequence[int], per_us: int) -> list[int]:
    fills, oldest = [], 0
    for index, at_us in enumerate(ascending_us):
        while ascending_us[oldest] <= at_us - per_us:
            oldest += 1
        fills.append(index - oldest + 1)
    return fills


def _frame(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=GRID)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=GREY, labelsize=10)
