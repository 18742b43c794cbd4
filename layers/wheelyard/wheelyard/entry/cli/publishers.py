"""``wheelyard publisher``: trusted publishing."""

from typing import Any

import click

from wheelyard.access.publishers import KINDS
from wheelyard.entry.cli.answers import JSON, print_json
from wheelyard.entry.cli.target import target, target_options
from wheelyard.errors import InvalidPublisher


@click.group()
def publisher() -> None:
    """Builds that may publish without a stored secret, by what their provider says they are."""


@publisher.command("add")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option(
    "--project",
    "projects",
    multiple=True,
    required=True,
    metavar="PATTERN",
    help="May upload this project, or those with this prefix (acme-*); may be repeated.",
)
@click.option(
    "--repository", metavar="OWNER/NAME", help="The repository, or GitLab's project path."
)
@click.option(
    "--owner-id", help="GitHub's number of the owner, which a successor to the name lacks."
)
@click.option(
    "--workflow", metavar="FILE", help="The file of the workflow, or of GitLab's pipeline."
)
@click.option("--environment", help="The deployment environment that the job must run in.")
@click.option("--ref", help="The branch or tag, as the provider writes it.")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another claim that must be equal; may be repeated.",
)
@click.option(
    "--issuer", default="", help="The provider, if it is not GitHub or GitLab themselves."
)
@target_options
def add_publisher(
    kind: str,
    projects: tuple[str, ...],
    repository: str | None,
    owner_id: str | None,
    workflow: str | None,
    environment: str | None,
    ref: str | None,
    claims: tuple[str, ...],
    issuer: str,
    store: str,
    stack: str | None,
) -> None:
    """Trust a build at a provider of KIND with the uploads of some projects, and print its id."""
    named = {
        "project_path" if kind == "gitlab" else "repository": repository,
        "repository_owner_id": owner_id,
        "workflow": workflow,
        "environment": environment,
        "ref": ref,
    }
    wanted = {name: value for name, value in named.items() if value} | _pairs(claims)
    order: dict[str, object] = {"kind": kind, "claims": wanted, "projects": list(projects)}
    added: Any = target(store, stack).order(
        "addPublisher", order | ({"issuer": issuer} if issuer else {})
    )
    click.echo(
        f"{repository or added['issuer']} may upload {', '.join(added['projects'])}", err=True
    )
    click.echo(added["id"])


@publisher.command("list")
@target_options
@JSON
def list_publishers(store: str, stack: str | None, as_json: bool) -> None:
    """List the trusted publishers: id, kind, issuer, claims, projects."""
    publishers: Any = target(store, stack).order("listPublishers", {})["publishers"]
    if as_json:
        print_json(publishers)
        return
    for found in publishers:
        claims = " ".join(f"{name}={value}" for name, value in found["claims"].items())
        projects = ", ".join(found["projects"])
        click.echo("\t".join((found["id"], found["kind"], found["issuer"], claims, projects)))


@publisher.command("remove")
@click.argument("publisher_id", metavar="ID")
@target_options
def remove_publisher(publisher_id: str, store: str, stack: str | None) -> None:
    """No longer trust the publisher with this ID."""
    if not target(store, stack).order("removePublisher", publisher_id)["removed"]:
        raise InvalidPublisher(f"there is no trusted publisher {publisher_id[:100]!r}")
    click.echo("the publisher is no longer trusted", err=True)


def _pairs(claims: tuple[str, ...]) -> dict[str, str]:
    pairs = [claim.partition("=") for claim in claims]
    if any(not (name and separator and value) for name, separator, value in pairs):
        raise click.UsageError("a --claim is NAME=VALUE")
    return {name: value for name, _, value in pairs}
