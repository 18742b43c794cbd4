"""Names that never go upstream."""

import pytest

from wheelyard.errors import InvalidSetting
from wheelyard.index.reservations import Reservations
from wheelyard.protocol.names import project_name
from wheelyard.settings import UpstreamSettings


@pytest.mark.parametrize(
    ("namespaces", "denied", "name", "held"),
    [
        ("acme-", "", "acme", True),
        ("acme-", "", "acme-billing", True),
        ("acme-", "", "Acme.Billing", True),
        ("acme-", "", "acmebilling", False),
        ("acme-", "", "my-acme", False),
        ("Acme_, other", "", "acme-x", True),
        ("Acme_, other", "", "other-x", True),
        ("", "left-pad", "left-pad", True),
        ("", "left-pad", "left-padded", False),
        ("", "Left_Pad*", "left-padded", True),
        ("", "a,b?,*-evil", "so-evil", True),
        ("", "a,b?,*-evil", "bc", True),
        ("", "a,b?,*-evil", "bcd", False),
        ("", "", "anything", False),
        ("", "*", "anything", True),
    ],
)
def test_holds(namespaces: str, denied: str, name: str, held: bool) -> None:
    """A namespace holds itself and what follows its dash; a denied name is a glob."""
    env = {"PRIVATE_NAMESPACES": namespaces, "DENIED_PROJECTS": denied}
    settings = UpstreamSettings.from_env(env)
    found = Reservations(settings.namespaces, settings.denied)
    assert found.holds(project_name(name)) is held


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PRIVATE_NAMESPACES", "acme/"),
        ("PRIVATE_NAMESPACES", "-"),
        ("DENIED_PROJECTS", "a b"),
        ("UPSTREAM_INDEX_URL", "ftp://u:s3cret@upstream.example/simple"),
        ("UPSTREAM_INDEX_URL", "https://u:s3cret@upstream.example/simple?x"),
        ("UPSTREAM_INDEX_URL", "https://u:s3cret@upstream.example:port/simple"),
        ("UPSTREAM_INDEX_URL", "https://[u:s3cret/"),
        ("UPSTREAM_INDEX_URL", "arn:aws:s3:::s3cret"),
        ("UPSTREAM_MODE", "proxy"),
        ("UPSTREAM_UNKNOWN", "allow"),
        ("UPSTREAM_PAGE_LIFETIME", "-1"),
        ("UPSTREAM_TIMEOUT", "0"),
        ("UPSTREAM_REDIRECT_SIZE", "big"),
    ],
)
def test_wrong_settings(variable: str, value: str) -> None:
    """A value that cannot be used is refused by the variable's name, and no password is shown."""
    with pytest.raises(InvalidSetting, match=variable) as caught:
        UpstreamSettings.from_env({variable: value})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "none", "None"])
def test_no_upstream(value: str) -> None:
    """Without an upstream, or with none, there is none."""
    assert UpstreamSettings.from_env({"UPSTREAM_INDEX_URL": value}).location == ""


@pytest.mark.parametrize(
    "value",
    [
        "https://u:s3cret@upstream.example/simple/",
        "http://[::1]:8080/simple",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:upstream-AbCdEf",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:upstream-AbCdEf:url",
    ],
)
def test_upstreams(value: str) -> None:
    """A URL or a secret's ARN is an upstream, and its representation shows no password."""
    found = UpstreamSettings.from_env({"UPSTREAM_INDEX_URL": value})
    assert found.location == value
    assert "s3cret" not in repr(found)
