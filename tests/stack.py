"""The deployed stack, as its outputs describe it."""

import json
import platform
from pathlib import Path
from typing import Any, NamedTuple

import boto3

import secrecy
import tools
from emulator import REGION, MiniStack

NAME = "wheelyard"


class FunctionError(Exception):
    """What a directly invoked function reported instead of an answer."""


class Stack(NamedTuple):
    """A deployed stack. ``index_url`` and ``upload_url`` answer on this machine, where it has a front."""

    emulator: MiniStack
    index_url: str
    upload_url: str
    admin_function: str
    bucket: str

    def client(self, service: str) -> Any:  # boto3's clients have no common type
        """A boto3 client of the emulated account."""
        return client(self.emulator, service)

    def administer(self, payload: object) -> Any:
        """Invoke the admin function; returns its answer. Raises ``FunctionError``."""
        if isinstance(payload, dict) and isinstance(payload.get("putUser"), dict):
            secrecy.keep_secret(str(payload["putUser"].get("password")))
        answer = self.client("lambda").invoke(
            FunctionName=self.admin_function, Payload=json.dumps(payload)
        )
        document = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise FunctionError(document["errorMessage"])
        return document


def deployed(emulator: MiniStack, template: Path, **parameters: str) -> Stack:
    """Deploy a built template by ``sam deploy``, with the repository's configuration."""
    # The emulator's processes run on this machine's processor.
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    overrides = {"Architecture": machine, "UpstreamIndexUrl": "none"} | parameters
    tools.run(
        "sam",
        "deploy",
        "--config-file",
        tools.ROOT / "samconfig.toml",
        "--template-file",
        template,
        "--stack-name",
        NAME,
        "--parameter-overrides",
        *(f"{key}={value}" for key, value in overrides.items()),
        environ=tools.environment(**emulator.environment),
    )
    described = client(emulator, "cloudformation").describe_stacks(StackName=NAME)
    outputs = {
        output["OutputKey"]: output["OutputValue"] for output in described["Stacks"][0]["Outputs"]
    }
    return Stack(
        emulator,
        emulator.reachable(outputs.get("IndexUrl", "")),
        emulator.reachable(outputs.get("UploadUrl", "")),
        outputs["AdminFunction"],
        outputs["Bucket"],
    )


def client(emulator: MiniStack, service: str) -> Any:
    """A boto3 client of the emulated account."""
    session = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
    )
    return session.client(service, endpoint_url=emulator.endpoint)  # type: ignore[call-overload]
