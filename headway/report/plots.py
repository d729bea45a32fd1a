"""The two pictures of the report: a run in, inline SVG out. No pyplot state, and no text that came from input."""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from headway.report import wording
from headway.report.figures import STAGES, Spread, sent_epochs_ms, spread
from headway.report.model import RunSummary

# Okabe and Ito's blue and vermilion, darkened to at least 4.5:1 on white; they differ in every common colour blindness.
BLUE: Final = "#0b62a4"
PALE: Final = "#a9cdea"
RED: Final = "#b83b00"
INK: Final = "#1f2933"
GREY: Final = "#52606d"
GRID: Final = "#e4e7eb"

_MOST_STEPS = 600
"""More steps than this cannot be told apart at the width of the page; the peaks of each stretch are kept."""
_WIDE = 30
"""Longest over shortest median or maximum from which a log axis reads better than a linear one."""
_DECADES_MS = {
    1: "1 ms",
    10: "10 ms",
    100: "100 ms",
    1_000: "1 s",
    10_000: "10 s",
    60_000: "1 min",
    600_000: "10 min",
    3_600_000: "1 h",
    36_000_000: "10 h",
    259_200_000: "3 d",
    2_592_000_000: "30 d",
}


def rate_over_time(summary: RunSummary) -> str | None:
    """Draw the calls in the contract's window that ends at each moment, against the contract; None if none was sent."""
    sent_ms = sent_epochs_ms(summary.calls)
    if not sent_ms:
        return None
    contract = summary.contract
    # An axis in minutes for long runs: nobody reads 5 400 s.
    unit_ms, unit = (60_000, "min") if sent_ms[-1] - sent_ms[0] > 600_000 else (1000, "s")
    steps = _thinned(_window_steps(sent_ms, contract.per_s))
    times = [(ms - sent_ms[0]) / unit_ms for ms, _ in steps]
    counts = [count for _, count in steps]
    with mpl.rc_context({"svg.hashsalt": "headway-rate", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = _canvas(height_in=2.9)
        axes.fill_between(times, counts, step="post", color=PALE, linewidth=0)
        axes.step(times, counts, where="post", color=BLUE, linewidth=1.2)
        if max(counts) > contract.amount:
            over = [max(count, contract.amount) for count in counts]
            axes.fill_between(times, contract.amount, over, step="post", color=RED, linewidth=0)
        axes.axhline(contract.amount, color=RED, linewidth=1.6, linestyle=(0, (5, 2)))
        top = max(contract.amount, *counts)
        axes.annotate(
            f"contract: {contract.amount} calls per {wording.window(contract.per_s)}",
            (1, max(contract.amount, top if top > contract.amount else 0)),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 5),
            textcoords="offset points",
            ha="right",
            color=RED,
            fontsize=10,
            fontweight="bold",
        )
        axes.set_ylim(0, top * 1.22)
        axes.set_xlim(times[0], max(times[-1], times[0] + 0.001))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel(f"{unit} since the first call", color=GREY)
        axes.set_ylabel(f"calls in the last {wording.window(contract.per_s)}", color=GREY)
        axes.grid(axis="y", color=GRID)
        return _svg(figure, "rate")


def latency_spread(summary: RunSummary) -> str | None:
    """Draw one strip of percentiles per stage, the median named; None if no call passed any stage."""
    found = [(stage.name, times) for stage in STAGES if (times := spread(summary.calls, stage)) is not None]
    if not found:
        return None
    spreads = [times for _, times in found]
    longest = max(times.max_ms for times in spreads)
    log = longest > _WIDE * max(1, min(times.p50_ms for times in spreads))
    with mpl.rc_context({"svg.hashsalt": "headway-latency", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = _canvas(height_in=1.0 + 0.5 * len(found))
        for row, times in enumerate(spreads):
            _strip(axes, row, times)
        axes.set_yticks(range(len(found)), [name for name, _ in found], color=INK, fontsize=10.5)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(found) - 0.5, -0.6)
        if log:
            _log_axis(axes, max(1, min(times.min_ms for times in spreads)), longest)
        else:
            axes.set_xlim(0, max(1, longest) * 1.06)
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: _tick(ms, longest)))
        axes.grid(axis="x", color=GRID)
        axes.spines["left"].set_visible(False)
        _legend(figure)
        return _svg(figure, "latency")


def _window_steps(sent_ms: Sequence[int], per_s: float) -> list[tuple[float, int]]:
    """List (time, calls in the window that ends then): up where a call is sent, down `per_s` after it."""
    changes: dict[float, int] = {}
    for sent in sent_ms:
        changes[sent] = changes.get(sent, 0) + 1
        gone = sent + per_s * 1000
        changes[gone] = changes.get(gone, 0) - 1
    steps: list[tuple[float, int]] = []
    count = 0
    for at in sorted(changes):
        count += changes[at]
        steps.append((at, count))
    return steps


def _thinned(steps: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Keep the peak of each stretch of time when there are more steps than a page can show."""
    if len(steps) <= _MOST_STEPS:
        return steps
    start, end = steps[0][0], steps[-1][0]
    width = (end - start) / _MOST_STEPS
    peaks: dict[int, int] = {}
    for (at, count), (until, _) in zip(steps, [*steps[1:], steps[-1]], strict=True):
        for stretch in range(int((at - start) / width), int((until - start) / width) + 1):
            peaks[stretch] = max(count, peaks.get(stretch, 0))
    return [(start + stretch * width, peaks[stretch]) for stretch in sorted(peaks)]


def _canvas(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, height_in), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=GREY, labelsize=10)
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    return figure, axes


def _strip(axes: Axes, row: int, times: Spread) -> None:
    """Draw shortest to longest as a line, p10 to p90 as a bar, p99 as a tick, the median as a named dot."""
    shown = [max(1, ms) for ms in (times.min_ms, times.p10_ms, times.p50_ms, times.p90_ms, times.p99_ms, times.max_ms)]
    low, p10, p50, p90, p99, high = shown
    axes.plot([low, high], [row, row], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    axes.plot([p10, p90], [row, row], color=PALE, linewidth=11, solid_capstyle="butt")
    axes.plot([p99], [row], color=BLUE, marker="|", markersize=12, markeredgewidth=2)
    axes.plot([p50], [row], color=BLUE, marker="o", markersize=7, markeredgecolor="white")
    axes.annotate(
        wording.duration(times.p50_ms),
        (p50, row),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        color=INK,
        fontsize=10,
    )


def _log_axis(axes: Axes, shortest_ms: float, longest_ms: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(shortest_ms / 1.8, longest_ms * 1.8)
    low, high = axes.get_xlim()
    shown = [ms for ms in _DECADES_MS if low <= ms <= high]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: _DECADES_MS.get(round(ms), "")))
    axes.xaxis.set_minor_locator(NullLocator())


def _tick(ms: float, longest_ms: float) -> str:
    if longest_ms < 1000:
        return f"{ms:g} ms"
    return f"{ms / 1000:g} s" if longest_ms < 120_000 else wording.duration(ms)


def _legend(figure: Figure) -> None:
    marks = [
        Line2D([], [], color=BLUE, marker="o", markersize=7, markeredgecolor="white", linestyle="", label="median"),
        Line2D([], [], color=PALE, linewidth=9, label="p10 to p90"),
        Line2D([], [], color=BLUE, marker="|", markersize=11, markeredgewidth=2, linestyle="", label="p99"),
        Line2D([], [], color=BLUE, linewidth=1.4, label="shortest to longest"),
    ]
    figure.legend(handles=marks, loc="outside lower right", ncols=4, frameon=False, fontsize=9.5, labelcolor=GREY)


def _svg(figure: Figure, prefix: str) -> str:
    """Write SVG that may stand inside HTML: no prolog, no metadata, and IDs that differ between the two pictures."""
    out = StringIO()
    figure.savefig(out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = out.getvalue()
    text = text[text.index("<svg") :]
    # An inline <style> would reach the whole page; the page's own style sheet says the same for the pictures alone.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
