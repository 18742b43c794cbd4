"""A keyring that pip, uv, twine and poetry ask for an index's password: the token of ``wheelyard login``.

It is found by the entry point group ``keyring.backends``; a token that is about to end is renewed with the
AWS credentials of whoever asks (https://keyring.readthedocs.io/en/latest/#write-your-own-keyring-backend).
"""

import os
import sys
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential
from keyring.errors import PasswordDeleteError

from wheelyard.client.logins import Logins
from wheelyard.client.places import Places
from wheelyard.client.signin import USERNAME, current_token, stack_of
from wheelyard.errors import WheelyardError


class WheelyardKeyring(KeyringBackend):
    """Has passwords for the indexes that one is signed in at, and no others."""

    priority = 9.9  # before the system's own, which has passwords for anything

    def get_password(self, service: str, username: str) -> str | None:
        """The token for an index, None for another user's password or for any other service."""
        if username not in ("", USERNAME):
            return None
        logins = Logins(Places.from_env(os.environ, Path.home()).logins)
        try:
            return current_token(logins, service, stack_of)
        except WheelyardError as error:
            # The client goes on without, and is refused; its user should know why.
            print(f"wheelyard: {error}", file=sys.stderr)  # noqa: T201
            return None

    def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
        """The same, with the user name that goes with it."""
        token = self.get_password(service, username or USERNAME)
        return SimpleCredential(USERNAME, token) if token else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Tokens are made by signing in; the next keyring may keep what this one does not."""
        del password
        raise NotImplementedError(f"{service!r}, {username!r}: sign in by 'wheelyard login'")

    def delete_password(self, service: str, username: str) -> None:
        """Tokens are revoked by ``wheelyard token revoke``."""
        raise PasswordDeleteError(
            f"{service!r}, {username!r}: revoke the token by 'wheelyard token revoke'"
        )
