"""The rights of all roles, after everything else was tried with them."""

import pytest

from iam.account import ROLES, Account
from iam.policies import Grant

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

WORK = {"test_permissions.py", "test_policies.py"}


def test_nothing_is_granted_without_need(
    accounts: list[Account], begun: set[str], request: pytest.FixtureRequest
) -> None:
    """Every right to objects that a function's role has was used by some work of some deployment."""
    work = {item.nodeid for item in request.session.items if item.path.name in WORK}
    if len({nodeid.partition("::")[0] for nodeid in work}) < len(WORK) or not work <= begun:
        pytest.skip("only all of the work tells, done by this process")
    used = {
        told(account, role, grant) for account in accounts for role, grant in account.guard.used
    }
    granted = {
        told(account, role, grant)
        for account in accounts
        for role in ROLES
        for grant in account.guard.granted(role)
        if grant.action.startswith("s3:")
    }
    assert not granted - used, "\n".join(sorted(granted - used))


def told(account: Account, role: str, grant: Grant) -> str:
    """A right, wherever the index is in the bucket."""
    return f"{role} {grant.action} {grant.resource.partition(account.prefix or '/')[2]}"
