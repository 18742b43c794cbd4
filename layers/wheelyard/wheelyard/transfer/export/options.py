"""How a static export is laid out."""

from typing import Literal, NamedTuple

from wheelyard.protocol.names import ProjectName

PageNames = Literal["index.html", "directory-keys"]


class Options(NamedTuple):
    """What the user chose.

    ``page_names``  ``index.html``, or keys that end with ``/``, which only a bucket has
    ``json``        JSON pages stand beside the HTML ones, as ``index.json``
    ``link``        files are hard links to the store's own, where that can be
    ``files_url``   where the store's files are served from; then none are exported. Ends with ``/``;
                    absolute, or relative to the root page
    ``index_url``   where the root page will be, ends with ``/``; links to attestations need it
    """

    page_names: PageNames = "index.html"
    json: bool = True
    link: bool = False
    files_url: str = ""
    index_url: str = ""

    def page(self, name: ProjectName) -> str:
        """The key of a project's page."""
        return f"{name}/" if self.page_names == "directory-keys" else f"{name}/index.html"

    def links(self, name: ProjectName) -> str:
        """What stands before the filenames in a project's page."""
        if not self.files_url:
            return ""
        absolute = "://" in self.files_url or self.files_url.startswith("/")
        return f"{'' if absolute else '../'}{self.files_url}{name}/"


ROOT_PAGE = "index.html"
"""The key of the root page, where the target itself has no key that ends with ``/``."""
JSON_ROOT = "index.json"
MANIFEST = ".wheelyard-export.json"


def json_page(name: ProjectName) -> str:
    """The key of a project's page in JSON."""
    return f"{name}/index.json"
