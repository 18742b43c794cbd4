"""``wheelyard completion``: what a shell reads to complete commands, options and values."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_WHEELYARD_COMPLETE"
"""By which the shell's function asks; click's own name for it."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion for SHELL.

    For bash, put this into ~/.bashrc: eval "$(wheelyard completion bash)"
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  (the choices are click's)
    root = context.find_root()
    click.echo(found(root.command, {}, str(root.info_name), VARIABLE).source())
