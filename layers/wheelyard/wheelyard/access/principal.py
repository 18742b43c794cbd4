"""Somebody whose credentials were right, and what they may do."""

from collections.abc import Mapping
from typing import NamedTuple

from wheelyard.access.rights import Rights
from wheelyard.errors import Forbidden
from wheelyard.protocol.names import ProjectName


class Principal(NamedTuple):
    """Somebody whose credentials were right.

    ``username``   the user, or the owner of the token
    ``token``      the id of the token, None for a password
    ``publisher``  who a token was minted for by trusted publishing: the ``publisher`` object of a
                   provenance (PEP 740)
    """

    username: str
    rights: Rights = Rights()
    token: str | None = None
    publisher: Mapping[str, object] | None = None

    @property
    def reads_everything(self) -> bool:
        """Whether no project is hidden from them."""
        return self.rights.reads.everything

    def may_read(self, project: ProjectName) -> bool:
        """Whether the project is visible to them: one that is not must look as if it did not exist."""
        return self.rights.reads.includes(project)

    def may_upload(self, project: ProjectName) -> bool:
        """Whether files of the project may be uploaded."""
        return self.rights.uploads.includes(project) and self.may_read(project)

    def require_upload(self, project: ProjectName | None = None) -> None:
        """Raises ``Forbidden``, with the reason, for who may not upload ``project``, or, with None,
        may not upload anything.
        """
        if not self.rights.upload:
            advice = "ask for the upload role" if self.token is None else "use one made for uploads"
            raise Forbidden(f"{self} may read but not upload: {advice}")
        if project is not None and not self.may_upload(project):
            reads, uploads = self.rights
            allowed = reads if uploads.everything else uploads
            raise Forbidden(f"{self} may not upload to project {project!r}, only to: {allowed}")

    def __str__(self) -> str:
        """As an error names them."""
        user = f"user {self.username!r}"
        return user if self.token is None else f"token {self.token} of {user}"
