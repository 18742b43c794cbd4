"""Changing and reading the documents of projects that are there."""

from collections.abc import Callable

from wheelyard.errors import KeyNotFound, NotFound
from wheelyard.index.documents import stored_project
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import project_json
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Store, Stored


def find_project(store: Store, name: ProjectName) -> Project | None:
    """The project as it is now, None if no private project has this name. Raises ``InvalidDocument``."""
    try:
        return stored_project(name, store.get(keys.project(name)).body)
    except KeyNotFound:
        return None


def read_project(store: Store, name: ProjectName) -> Project:
    """The project as it is now. Raises ``NotFound`` and ``InvalidDocument``."""
    project = find_project(store, name)
    if project is None:
        raise no_project(name)
    return project


def edit_project(store: Store, name: ProjectName, change: Callable[[Project], Project]) -> bool:
    """Change the document by one atomic replacement; returns whether there was anything to change.

    Raises ``NotFound`` and ``InvalidDocument``.
    """

    def edit(stored: Stored | None) -> bytes | None:
        if stored is None:
            raise no_project(name)
        project = stored_project(name, stored.body)
        changed = change(project)
        return None if changed == project else project_json(changed)

    return edit_object(store, keys.project(name), edit)


def no_project(name: ProjectName) -> NotFound:
    """The error that says so."""
    return NotFound(f"there is no private project {name!r}")
