"""The pages of a static export: rendered as the index renders them, with links that fit where they are."""

from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple
from urllib.parse import quote, urljoin

from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import project_html, project_json, root_html, root_json
from wheelyard.transfer.export.options import JSON_ROOT, Options, json_page
from wheelyard.transfer.places import Described

# A page may change at any moment, and pip (from 26.2 on) obeys any longer lifetime.
_HTML = Described("text/html; charset=utf-8", "max-age=0")
_JSON = Described("application/vnd.pypi.simple.v1+json", "max-age=0")


class Page(NamedTuple):
    """A page and where it goes."""

    key: str
    body: bytes
    described: Described


def project_pages(project: Project, options: Options, unfit: Set[str]) -> Iterator[Page]:
    """A project's page in each form, without the files whose keys are among ``unfit``."""
    offered = [file for file in project.offered if f"{project.name}/{file.filename}" not in unfit]
    rendered = project._replace(files=tuple(_linked(project, file, options) for file in offered))
    yield Page(options.page(project.name), project_html(rendered), _HTML)
    if options.json:
        yield Page(json_page(project.name), project_json(rendered), _JSON)


def _linked(project: Project, file: File, options: Options) -> File:
    # S3 takes a plain "+" in a path, as local versions have it, for a space.
    url = options.links(project.name) + quote(file.filename)
    provenance = None
    if file.provenance is not None:
        # It must be absolute and on a secure origin (PEP 740), or it is left out.
        provenance = urljoin(f"{options.index_url}{project.name}/", f"{url}.provenance")
    secure = provenance is not None and provenance.startswith("https://")
    return file._replace(url=url, provenance=provenance if secure else None)


def root_pages(names: Iterable[ProjectName], options: Options, root_key: str) -> Iterator[Page]:
    """The root listing in each form."""
    listed = list(names)
    yield Page(root_key, root_html(listed), _HTML)
    if options.json:
        yield Page(JSON_ROOT, root_json(listed), _JSON)
