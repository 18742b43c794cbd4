"""The commands of ``management.orders``: projects, releases, files, the audit trail."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from wheelyard.entry.cli.answers import JSON, print_json, print_record, print_table
from wheelyard.entry.cli.target import Target, target, target_options
from wheelyard.management.orders import ORDERS, Order, Parameter

_GROUPS = {
    "project": "Private projects: what there is, their status, their names.",
    "release": "Releases: what there is, deleting and yanking.",
    "file": "Files: what there is, deleting and yanking.",
}


def management_commands() -> list[click.Command]:
    """A command for each order, in its group if it has one."""
    groups = {name: click.Group(name, help=text) for name, text in _GROUPS.items()}
    alone: list[click.Command] = []
    for order in ORDERS:
        group, _ = order.command
        if group:
            groups[group].add_command(_command(order))
        else:
            alone.append(_command(order))
    return [*groups.values(), *alone]


def _command(order: Order) -> click.Command:
    def run(store: str, stack: str | None, as_json: bool, yes: bool = False, **given: Any) -> None:
        argument = {name: value for name, value in given.items() if value is not None}
        where = target(store, stack)
        if order.confirm and not yes:
            _confirm(order, where, argument)
        _show(order, where, argument, as_json=as_json)

    callback = target_options(JSON(run))
    if order.confirm:
        callback = click.option("--yes", "-y", is_flag=True, help="Do not ask.")(callback)
    command = click.command(order.command[1], help=order.help)(callback)
    command.params = [*map(_parameter, order.parameters), *command.params]
    return command


def _parameter(parameter: Parameter) -> click.Parameter:
    kind = click.Choice(parameter.choices) if parameter.choices else click.STRING
    if parameter.required:
        return click.Argument([parameter.name], type=kind)
    return click.Option([f"--{parameter.name}"], type=kind, help=parameter.help)


def _confirm(order: Order, where: Target, argument: Mapping[str, Any]) -> None:
    """Raises ``click.Abort`` if the person does not want it, ``click.UsageError`` if there is none."""
    if not sys.stdin.isatty():
        raise click.UsageError("this changes the index: give --yes to do it without a terminal")
    if order.preview:
        for item in _all(where, order.preview, argument):
            click.echo(f"  {item['filename']}", err=True)
    click.confirm(order.confirm.format(**argument), abort=True, err=True)


def _show(order: Order, where: Target, argument: Mapping[str, Any], *, as_json: bool) -> None:
    if order.columns:
        items = _all(where, order.name, argument)
        if as_json:
            print_json(items)
        else:
            print_table(items, order.columns)
        return
    answer = where.order(order.name, argument)
    if as_json:
        print_json(answer)
    else:
        print_record(answer)


def _all(where: Target, name: str, argument: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every part of a list."""
    items: list[dict[str, Any]] = []
    part: Any = argument
    while part is not None:
        answer: Any = where.order(name, part)
        items += answer["items"]
        part = answer.get("next")
    return items
