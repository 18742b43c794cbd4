"""What DEPLOYMENT.md says of backups, done with a versioned bucket."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

import lambdas
from distributions import BuiltDistribution, build_wheel
from servers import S3Server
from wheelyard.access.users import Users
from wheelyard.entry.cli import cli
from wheelyard.entry.functions import http_handler
from wheelyard.storage.opening import open_bucket

WHEELS = [build_wheel("acme-rocket", "1.0"), build_wheel("acme-glider", "1.0")]


class Deployed:
    """A versioned bucket with an index in it, and the functions over it."""

    def __init__(self, server: S3Server) -> None:
        self.s3: Any = server.client()
        self.bucket = server.new_bucket()
        self.s3.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        self.environ = lambdas.environment(server, self.bucket)

    def stored(self) -> set[str]:
        """The keys of what is there."""
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {item["Key"] for item in found}

    def serves(self, wheel: BuiltDistribution) -> bool:
        """Whether a new environment of the function lists the wheel, and S3 has it."""
        read = http_handler(self.environ, uploads=False)
        name = wheel.filename.split("-")[0].replace("_", "-")
        accept = "application/vnd.pypi.simple.v1+json"
        page = read(lambdas.get(f"/simple/{name}/", "alice", "hunter2", accept), None)
        if page["statusCode"] != 200:
            return False
        (file,) = json.loads(page["body"])["files"]
        assert file["hashes"] == {"sha256": wheel.sha256}
        stored = self.s3.get_object(Bucket=self.bucket, Key=f"packages/{name}/{wheel.filename}")
        return bool(stored["Body"].read() == wheel.content)


@pytest.fixture
def deployed(s3_moto: S3Server) -> Deployed:
    """An index with a user and two published wheels."""
    deployed = Deployed(s3_moto)
    Users(open_bucket(deployed.environ, 900)).put("alice", "hunter2", upload=True)
    upload = http_handler(deployed.environ, uploads=True)
    for wheel in WHEELS:
        name = wheel.filename.split("-")[0].replace("_", "-")
        sent = upload(lambdas.upload(name, wheel, "alice", "hunter2"), None)
        assert sent["statusCode"] == 200
    return deployed


def test_deleted_by_mistake(deployed: Deployed) -> None:
    """Objects that were deleted come back when their delete markers are removed."""
    for key in deployed.stored():
        deployed.s3.delete_object(Bucket=deployed.bucket, Key=key)
    assert not deployed.stored()
    assert not deployed.serves(WHEELS[0])
    for marker in deployed.s3.list_object_versions(Bucket=deployed.bucket)["DeleteMarkers"]:
        if marker["IsLatest"]:
            deployed.s3.delete_object(
                Bucket=deployed.bucket, Key=marker["Key"], VersionId=marker["VersionId"]
            )
    assert all(deployed.serves(wheel) for wheel in WHEELS)


def test_overwritten_by_mistake(deployed: Deployed) -> None:
    """A document that was overwritten is again what an earlier version of it was."""
    key = "projects/acme-rocket.json"
    before = datetime.now(UTC)
    deployed.s3.put_object(Bucket=deployed.bucket, Key=key, Body=b"{}")
    versions = deployed.s3.list_object_versions(Bucket=deployed.bucket, Prefix=key)["Versions"]
    earlier = next(version for version in versions if not version["IsLatest"])
    assert earlier["LastModified"] <= before
    source = {"Bucket": deployed.bucket, "Key": key, "VersionId": earlier["VersionId"]}
    deployed.s3.copy_object(Bucket=deployed.bucket, Key=key, CopySource=source)
    assert all(deployed.serves(wheel) for wheel in WHEELS)


@pytest.mark.parametrize("folders", [["packages/", "users/"], ["packages/", "users/", "projects/"]])
def test_another_bucket(
    deployed: Deployed, s3_moto: S3Server, folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the files and users is an index again, in another bucket, once it is rebuilt."""
    restored = Deployed(s3_moto)
    for key in deployed.stored():
        if key.startswith(tuple(folders)):
            source = {"Bucket": deployed.bucket, "Key": key}
            restored.s3.copy_object(Bucket=restored.bucket, Key=key, CopySource=source)
    for name, value in restored.environ.items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke(cli, ["rebuild", "--store", f"s3://{restored.bucket}"])
    assert run.exit_code == 0, run.output
    assert all(restored.serves(wheel) for wheel in WHEELS)
