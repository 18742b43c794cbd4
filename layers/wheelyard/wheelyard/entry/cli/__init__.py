"""The command line, ``wheelyard``: one module a group of commands."""

import sys

import click

from wheelyard import __version__
from wheelyard.entry.cli.completion import completion
from wheelyard.entry.cli.exporting import export
from wheelyard.entry.cli.importing import import_command
from wheelyard.entry.cli.login import login
from wheelyard.entry.cli.management import management_commands
from wheelyard.entry.cli.publishers import publisher
from wheelyard.entry.cli.rebuild import rebuild
from wheelyard.entry.cli.reindex import reindex
from wheelyard.entry.cli.serve import serve
from wheelyard.entry.cli.tokens import token
from wheelyard.entry.cli.upload import upload
from wheelyard.entry.cli.user_import import import_users
from wheelyard.entry.cli.users import user
from wheelyard.errors import WheelyardError


def main() -> None:
    """Run the command line; an error is one line, and the exit status 1, or 2 for how it was called."""
    try:
        cli.main(prog_name="wheelyard", standalone_mode=False)
    except click.exceptions.Abort:
        _fail("interrupted")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "wheelyard"
        _fail(f"{error.format_message().rstrip('.')}: see {path} --help", error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except WheelyardError as error:
        _fail(str(error))


def _fail(message: str, status: int = 1) -> None:
    click.echo(f"wheelyard: error: {' '.join(message.split())}", err=True)
    sys.exit(status)


@click.group()
@click.version_option(__version__, message="wheelyard %(version)s")
def cli() -> None:
    """A private Python package index."""


user.add_command(import_users)
for command in (
    serve,
    user,
    token,
    publisher,
    rebuild,
    upload,
    reindex,
    export,
    import_command,
    *management_commands(),
    completion,
    login,
):
    cli.add_command(command)
