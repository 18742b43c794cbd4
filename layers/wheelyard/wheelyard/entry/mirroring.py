"""Which upstream index the one-machine server mirrors."""

from collections.abc import Mapping
from typing import NamedTuple

from wheelyard.entry.pip_index import pip_index

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class ChosenUpstream(NamedTuple):
    """The variables to be set for it, and a line that says what was chosen, without the URL: that may
    hold credentials, in its path too.
    """

    environ: dict[str, str]
    said: str


def choose_upstream(given: str | None, env: Mapping[str, str]) -> ChosenUpstream:
    """What was asked for, or else the index that this machine's pip uses."""
    if (given or "").strip().lower() == "none" or env.get("UPSTREAM_MODE", "").lower() == "none":
        return ChosenUpstream({"UPSTREAM_INDEX_URL": "none"}, "No upstream index is mirrored.")
    if given:
        return ChosenUpstream(
            {"UPSTREAM_INDEX_URL": given}, "Other packages come from the given upstream index."
        )
    found = pip_index()
    if found is None or not found.url.startswith(("http://", "https://")):
        problem = "pip was not found" if found is None else "pip's index is not one on the web"
        return ChosenUpstream(
            {"UPSTREAM_INDEX_URL": "none"},
            f"No upstream index is mirrored, because {problem}: name one with UPSTREAM or --upstream.",
        )
    environ = {"UPSTREAM_INDEX_URL": found.url}
    if found.certificates and not any(env.get(name) for name in _BUNDLES):
        environ[_BUNDLES[0]] = found.certificates
    return ChosenUpstream(
        environ, "Other packages come from the index that this machine's pip uses."
    )
