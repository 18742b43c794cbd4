"""Plots of the figures in a folder; run where matplotlib is installed: ``python plots.py FOLDER``."""

import json
import re
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

_OURS, _OTHERS = "#0b57d0", "#9aa0a6"


def main() -> None:
    """Write what there are figures for."""
    folder = Path(sys.argv[1])
    figures = json.loads((folder / "figures.json").read_text())["figures"]
    for figure in figures:
        figure["median"] = median(figure["values"])
    bars(
        folder / "throughput.png",
        [f for f in figures if f["what"] == "typical page" and f["unit"] == "requests/s"],
        "requests a second, typical page, one core",
    )
    bars(
        folder / "cold-start.png",
        [f for f in figures if f["what"] == "request: first answer" and f["unit"] == "ms CPU"],
        "ms of CPU, import and first answer",
    )
    growth(folder / "growth.png", [f for f in figures if f["section"] == "growth"])


def bars(path: Path, figures: list[dict[str, Any]], title: str) -> None:
    """One bar for each who."""
    if not figures:
        return
    figures = sorted(figures, key=lambda figure: figure["median"])
    names = [figure["who"] for figure in figures]
    values = [figure["median"] for figure in figures]
    picture, axes = pyplot.subplots(figsize=(8, 0.5 * len(names) + 1.2))
    drawn = axes.barh(
        names, values, color=[_OURS if "wheelyard" in name else _OTHERS for name in names]
    )
    axes.bar_label(drawn, [f"{value:,.0f}" for value in values], padding=4)
    axes.set_title(title, loc="left")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    picture.tight_layout()
    picture.savefig(path, dpi=120)


def growth(path: Path, figures: list[dict[str, Any]]) -> None:
    """A line for each kind of request; one picture for each thing that there is more of."""
    if not figures:
        return
    picture, both = pyplot.subplots(1, 2, figsize=(11, 4.8), sharey=True, layout="constrained")
    for axes, of in zip(both, ("private projects", "upstream names"), strict=True):
        series: dict[str, list[tuple[int, float]]] = {}
        for figure in figures:
            what, _, rest = figure["what"].partition("; ")
            if rest.endswith(of):
                size = int(re.sub(r"\D", "", rest))
                series.setdefault(what, []).append((size, figure["median"]))
        for what, points in series.items():
            sizes, values = zip(*sorted(points), strict=True)
            axes.plot(sizes, values, marker="o", label=what)
        axes.set(xscale="log", yscale="log", xlabel=of)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    both[0].set_ylabel("ms, the store in memory")
    # The right one has all that the left one has.
    handles, labels = both[1].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    picture.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
