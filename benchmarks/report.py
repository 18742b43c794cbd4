"""The report: goals, every figure's median beside the others', what failed, and plots."""

import subprocess
from pathlib import Path

from environments import Environment
from goals import GOALS
from samples import OURS, Figure, Samples

_PLOTS = {
    "throughput.png": "Requests a second for a typical page",
    "growth.png": "Cost of a request against the size of the catalogue",
    "cold-start.png": "CPU from the start of the import to the first answer",
}


def write(samples: Samples, folder: Path) -> Path:
    """Write figures, plots and report into ``folder``; returns the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    samples.save(folder / "figures.json")
    plots = _plot(samples, folder)
    lines = ["# Benchmark", "", *(f"- {name}: {said}" for name, said in samples.notes.items()), ""]
    lines += ["Medians. Ratios are within this run. `make bench` makes this report.", ""]
    lines += ["## Goals", "", *_goals(samples), ""]
    for section in dict.fromkeys(figure.section for figure in samples.values):
        lines += [f"## {section.capitalize()}", "", *_table(samples, section), ""]
    if samples.failures:
        lines += ["## What could not be measured", ""]
        lines += [f"- {each.who}, {each.what}: {each.reason}" for each in samples.failures]
        lines += [""]
    for plot in plots:
        lines += [f"![{_PLOTS[plot]}]({plot})", ""]
    path = folder / "report.md"
    path.write_text("\n".join(lines))
    return path


def _goals(samples: Samples) -> list[str]:
    rows = ["| goal | wanted | measured | |", "|---|---|---|---|"]
    for goal in GOALS:
        value = goal.ratio(samples)
        wanted = f"{'at most' if goal.at_most else 'at least'} {_number(goal.bound)}"
        if value is None:
            rows.append(f"| {goal.what} | {wanted} | | not measured |")
        else:
            verdict = "reached" if goal.reached(value) else f"**missed**{_by(goal.bound, value)}"
            rows.append(f"| {goal.what} | {wanted} | {_number(value)} | {verdict} |")
    return rows


def _by(bound: float, value: float) -> str:
    return f", {max(bound / value, value / bound):.2f} times off" if bound and value else ""


def _table(samples: Samples, section: str) -> list[str]:
    figures = [figure for figure in samples.values if figure.section == section]
    everybody = list(dict.fromkeys(figure.who for figure in figures))
    rows = [f"| | {' | '.join(everybody)} |", "|---|" + "---:|" * len(everybody)]
    for what, unit in dict.fromkeys((figure.what, figure.unit) for figure in figures):
        ours = samples.median(section, what, OURS, unit)
        cells = [_cell(samples, Figure(section, what, who, unit), ours) for who in everybody]
        rows.append(f"| {what}, {unit} | {' | '.join(cells)} |")
    return rows


def _cell(samples: Samples, figure: Figure, ours: float | None) -> str:
    value = samples.median(*figure)
    if value is None:
        return ""
    ratio = f" ({value / ours:.2g}x)" if ours and figure.who != OURS else ""
    return f"{_number(value)}{ratio}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _plot(samples: Samples, folder: Path) -> list[str]:
    program = Path(__file__).with_name("plots.py")
    done = subprocess.run(
        [Environment("clients").python, program, folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        samples.fail("report", "plots", "matplotlib", done.stderr[-300:])
    return [name for name in _PLOTS if (folder / name).exists()]
