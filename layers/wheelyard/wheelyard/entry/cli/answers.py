"""Showing answers: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(answer: object) -> None:
    """One document."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_table(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """One line an item below a line of headings, in columns; one wider than that is the last."""
    rows = [[column.upper() for column in columns]]
    rows += [[_cell(item, column) for column in columns] for item in items]
    widths = [max(len(row[number]) for row in rows) for number in range(len(columns))]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def print_record(answer: Mapping[str, Any]) -> None:
    """One line a field, without what is unknown."""
    width = max(map(len, answer), default=0)
    for name in answer:
        value = _cell(answer, name)
        if value:
            click.echo(f"{name.ljust(width)}  {value}")


def _cell(item: Mapping[str, Any], column: str) -> str:
    value = _about(item) if column == "about" else item.get(column)
    if value is None or value is False:
        return "no" if value is False else ""
    if value is True:
        return "yes"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    # What others chose cannot move the cursor or hide a line.
    return "".join(char if char.isprintable() else "�" for char in str(value))


def _about(event: Mapping[str, Any]) -> str:
    """What an entry of the audit trail is about beyond its project, in one cell."""
    files = [str(file["filename"]) for file in event.get("files", [])]
    details = [f"{name} {value}" for name, value in event.get("details", {}).items()]
    failed = [str(event["reason"])] if event.get("reason") else []
    return "; ".join([", ".join(files), *details, *failed]).strip("; ")
