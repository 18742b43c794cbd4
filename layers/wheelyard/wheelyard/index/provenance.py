"""Where a file's attestations are, as a page says it.

The address must be absolute and on a secure origin (PEP 740), which only the request knows: in the stored
document it is relative, like every other link.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheelyard.protocol.model import File, Project


def absolute_provenance(project: "Project", page: str) -> "Project":
    """``project`` with absolute provenance links; ``page`` is its own page's URL, ending with ``/``.

    Without a secure origin the links are left out.
    """
    files = tuple(_absolute(file, page) for file in project.files)
    return project._replace(files=files)


def _absolute(file: "File", page: str) -> "File":
    link = file.provenance
    if link is None:
        return file
    if "://" not in link:
        link = page + link
    return file._replace(provenance=link if link.startswith("https://") else None)
