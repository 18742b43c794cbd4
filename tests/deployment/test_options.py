"""The template's parameters, as the deployed functions have them."""

import json
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import clients
from clients import PUBLISHER
from distributions import BuiltDistribution, build_wheel
from stack import Stack

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]


@pytest.fixture(scope="module")
def wheel(tuned: Stack, tmp_path_factory: pytest.TempPathFactory) -> BuiltDistribution:
    """A published wheel."""
    wheel = build_wheel("acme-rocket", "1.0")
    done = clients.twine(tuned, PUBLISHER, tmp_path_factory.mktemp("published"), wheel)
    assert done.returncode == 0, done.stdout
    return wheel


def test_prefix(tuned: Stack, wheel: BuiltDistribution) -> None:
    """Everything that is stored, users included, is below the prefix."""
    listed = tuned.client("s3").list_objects_v2(Bucket=tuned.bucket)["Contents"]
    folders = {item["Key"].rpartition("/")[0] for item in listed}
    assert {"acme/index/users", "acme/index/packages/acme-rocket", "acme/index/projects"} < folders
    assert all(folder.startswith("acme/index/") for folder in folders)


def test_presign_lifetime(tuned: Stack, wheel: BuiltDistribution) -> None:
    """Links to files hold as long as was set, and lead below the prefix."""
    answer = clients.get(f"{tuned.index_url}acme-rocket/{wheel.filename}", PUBLISHER)
    link = urlsplit(answer.headers["location"])
    assert parse_qs(link.query)["X-Amz-Expires"] == ["120"]
    assert clients.get(answer.headers["location"]).body == wheel.content


def test_tracing(tuned: Stack, daemon: socket.socket, wheel: BuiltDistribution) -> None:
    """With X-Ray on, a request is a subsegment that says how it was answered."""
    clients.get(f"{tuned.index_url}no-such-project/", PUBLISHER)
    subsegment: dict[str, Any] = {}
    while subsegment.get("http") != {"response": {"status": 404}}:
        header, _, document = daemon.recv(65536).partition(b"\n")
        assert json.loads(header) == {"format": "json", "version": 1}
        subsegment = json.loads(document)
    assert subsegment["name"] == "wheelyard"
    assert subsegment["trace_id"]


def test_functions(tuned: Stack) -> None:
    """Memory, tracing and log level are what was set."""
    client = tuned.client("lambda")
    names = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    (name,) = [name for name in names if "RequestFunction" in name]
    found = client.get_function_configuration(FunctionName=name)
    assert found["MemorySize"] == 512
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert found["LoggingConfig"]["ApplicationLogLevel"] == "WARN"
    assert found["LoggingConfig"]["LogGroup"] == "/aws/lambda/wheelyard/request"


def test_operations(tuned: Stack) -> None:
    """Alarms and the dashboard watch this stack's functions, and the schedule invokes the right one."""
    client = tuned.client("lambda")
    functions = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    watch = tuned.client("cloudwatch")
    alarms = watch.describe_alarms()["MetricAlarms"]
    watched = {
        dimension["Value"]
        for alarm in alarms
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "FunctionName"
    }
    assert watched
    assert watched <= set(functions)
    (dashboard,) = watch.list_dashboards()["DashboardEntries"]
    name = dashboard["DashboardName"]
    body = json.loads(watch.get_dashboard(DashboardName=name)["DashboardBody"])
    assert "${" not in json.dumps(body)
    assert any(name in json.dumps(body) for name in watched)
    schedules = tuned.client("scheduler").list_schedules()["Schedules"]
    targets = [
        schedule["Target"]["Arn"] for schedule in schedules if "KeepWarm" in schedule["Name"]
    ]
    assert [target.rpartition(":")[2] for target in targets] == [
        function for function in functions if "RequestFunction" in function
    ]
