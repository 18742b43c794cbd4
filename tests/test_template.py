"""template.yaml: what is deployed, and what each part of it may do."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cfnlint.decode import decode

import tools
from wheelyard.entry.events import to_request
from wheelyard.entry.http import Response
from wheelyard.entry.problems import CHALLENGE, problem
from wheelyard.errors import Unauthenticated
from wheelyard.metrics import NAMESPACE
from wheelyard.settings import Settings, StoreSettings

STEPS = ("Fetch", "Shard", "Activate", "Restart")
FUNCTIONS = ("Request", "Upload", "Admin", "Arrival", "Rebuild", "Pull", *STEPS)
# Of the environment of every function, what is not Wheelyard's to read.
OTHERS_VARIABLES = {"AWS_XRAY_SDK_ENABLED"}

READ = {"s3:GetObject"}
READ_WRITE = READ | {"s3:PutObject"}
WRITE = {"s3:PutObject"}
PUBLISH = READ_WRITE | {"s3:AbortMultipartUpload"}
DELETE = {"s3:DeleteObject"}
REFUSED = "This index needs a user name and a password, and these were missing or wrong"
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
TRACE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
KEY = {"kms:Decrypt", "kms:GenerateDataKey"}
# What the functions that serve mirrored projects may do beside their own.
MIRROR = {
    "upstream/*": READ,
    "listing/*": READ,
    "mirror/*": PUBLISH,
    "staging/*": PUBLISH | DELETE,
}
SECRET = {"secret of UpstreamIndexUrl if HasUpstreamSecret": {"secretsmanager:GetSecretValue"}}
_MACHINES = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine"
START = {f"{_MACHINES}:wheelyard-reindex-${{Id}}": {"states:StartExecution"}}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The template as written, its tags in the long form."""
    document, mistakes = decode(str(tools.ROOT / "template.yaml"))
    assert not mistakes
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def test_lint() -> None:
    """The template is valid for SAM, and cfn-lint finds nothing in it."""
    region = tools.environment(AWS_DEFAULT_REGION="eu-central-1")
    printed = tools.run("sam", "validate", "--lint", environ=region)
    assert "is a valid SAM Template" in printed


def test_bucket_is_private(template: dict[str, Any]) -> None:
    """The bucket is encrypted, versioned, closed to the public, and outlives the stack."""
    bucket = template["Resources"]["Bucket"]
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["VersioningConfiguration"]["Status"] == "Enabled"
    rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rules[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == {
        "Fn::If": ["HasKmsKey", "aws:kms", "AES256"]
    }
    lifecycle = properties["LifecycleConfiguration"]["Rules"]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in lifecycle)
    assert all(rule["Status"] == "Enabled" for rule in lifecycle)


def test_bucket_refuses_plain_http(template: dict[str, Any]) -> None:
    """Whoever it is and whatever they do, they do it over TLS."""
    statement, _ = _bucket_policy(template)
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [
        {"Fn::GetAtt": ["Bucket", "Arn"]},
        {"Fn::Sub": "${Bucket.Arn}/*"},
    ]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_audit_trail_is_only_added_to(template: dict[str, Any]) -> None:
    """Nobody, whatever else they may do, writes over an entry of the audit trail."""
    _, statement = _bucket_policy(template)
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == "s3:PutObject"
    assert statement["Resource"]["Fn::Sub"][0] == "${Bucket.Arn}/${Prefix}audit/*"
    assert statement["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def _bucket_policy(template: dict[str, Any]) -> Any:
    policy = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
    return policy["Statement"]


@pytest.mark.parametrize(
    ("function", "objects"),
    [
        (
            "Request",
            {
                "packages/*": READ,
                "projects/*": READ,
                "catalogue/*": READ,
                "users/*": READ,
                "tokens/*": READ,
                "token-uses/*": READ_WRITE,
                "oversize/*": READ_WRITE,
                **MIRROR,
            },
        ),
        (
            "Upload",
            {
                "sessions/*": READ_WRITE,
                "withdrawn/*": READ_WRITE,
                "uploads/*": PUBLISH | DELETE | {"s3:ListMultipartUploadParts"},
                "packages/*": PUBLISH,
                "projects/*": READ_WRITE,
                "catalogue/*": READ_WRITE,
                "publishers/*": READ,
                "users/*": READ_WRITE,
                "tokens/*": READ_WRITE | DELETE,
                "token-uses/*": READ_WRITE | DELETE,
                "identities/*": READ_WRITE | DELETE,
                "tombstones/*": READ,
                "audit/*": WRITE,
                "oversize/*": READ_WRITE,
                **MIRROR,
                "packages/* if Overwrites": DELETE,
                "tombstones/* if ReusesDeleted": DELETE,
            },
        ),
        (
            "Admin",
            {
                **dict.fromkeys(["users/*", "tokens/*", "publishers/*"], READ_WRITE | DELETE),
                "token-uses/*": READ | DELETE,
                "projects/*": READ_WRITE | DELETE,
                "catalogue/*": READ_WRITE,
                "tombstones/*": READ_WRITE,
                "packages/*": DELETE,
                "audit/*": READ_WRITE,
            },
        ),
        (
            "Arrival",
            {
                "packages/*": READ_WRITE | DELETE,
                "tombstones/*": READ_WRITE | DELETE,
                "projects/*": READ_WRITE,
                "catalogue/*": READ_WRITE,
                "sessions/*": READ,
                "withdrawn/*": READ | DELETE,
                "rejected/*": WRITE | {"s3:AbortMultipartUpload"},
                "audit/*": WRITE,
            },
        ),
        (
            "Rebuild",
            {
                "packages/*": READ_WRITE,
                "projects/*": READ_WRITE,
                "catalogue/*": READ_WRITE,
                "tombstones/*": READ,
                "sessions/*": READ,
                "withdrawn/*": READ,
                "rebuild/*": READ_WRITE | DELETE,
                "audit/*": WRITE,
            },
        ),
        (
            "Pull",
            {
                "projects/*": READ,
                "upstream/*": READ,
                "mirror/*": PUBLISH,
                "staging/*": PUBLISH | DELETE,
            },
        ),
        (
            "Fetch",
            {
                "upstream/manifest.json": READ,
                "upstream/parts/*": {"s3:PutObject"},
                "catalogue/*": READ,
                "listing/*": READ,
            },
        ),
        (
            "Shard",
            {
                "upstream/manifest.json": READ,
                "upstream/parts/*": READ,
                "upstream/shards/*": {"s3:PutObject"},
            },
        ),
        (
            "Activate",
            {
                "upstream/manifest.json": READ_WRITE,
                "upstream/parts/*": READ | DELETE,
                "upstream/shards/*": READ | DELETE,
                "upstream/retired/*": READ_WRITE | DELETE,
                "catalogue/*": READ,
                "listing/*": READ_WRITE | DELETE,
            },
        ),
    ],
)
def test_least_privilege(
    template: dict[str, Any], function: str, objects: Mapping[str, set[str]]
) -> None:
    """A function may do what it does, to what it does it to, and nothing else."""
    expected = {f"${{Bucket.Arn}}/${{Prefix}}{key}": actions for key, actions in objects.items()}
    granted = _granted(template["Resources"][f"{function}Role"])
    if function == "Arrival":
        assert granted.pop("ArrivalDeadLetters.Arn") == {"sqs:SendMessage"}
    if function in {"Upload", "Arrival", "Admin"}:
        expected |= START
    if function in {"Request", "Upload"}:
        expected |= {"PullFunction.Arn": {"lambda:InvokeFunction"}}
    if function in {"Request", "Upload", "Pull", "Fetch"}:
        expected |= SECRET
    assert granted == expected | {
        "Bucket.Arn": {"s3:ListBucket"},
        f"{function}LogGroup.Arn": LOG,
        "KmsKeyArn if HasKmsKey": KEY,
        "* if Traces": TRACE,  # which know no resource
    }


# https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html, each service's own page
LONGEST_NAMES = {
    "AWS::ApiGatewayV2::Api": 128,
    "AWS::CloudFront::CachePolicy": 128,
    "AWS::CloudFront::OriginAccessControl": 64,
    "AWS::CloudFront::ResponseHeadersPolicy": 128,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::Logs::LogGroup": 512,
    "AWS::Serverless::Api": 1024,
    "AWS::Serverless::Function": 64,
    "AWS::Serverless::StateMachine": 80,
}
TEMPLATES = ["template.yaml", *(f"fronts/{each}.yaml" for each in ("alb", "cloudfront", "edge"))]
NAMED = ("Name", "FunctionName", "LogGroupName", "DashboardName")


@pytest.mark.parametrize("path", TEMPLATES)
def test_the_longest_stack_name(path: str) -> None:
    """Every name that a resource is given holds, however long the stack's name is."""
    values = {"AWS::StackName": "s" * 128, "AWS::Region": "ap-southeast-1", "Id": "0" * 36}
    document, mistakes = decode(str(tools.ROOT / path))
    assert not mistakes
    for logical, resource in json.loads(json.dumps(document))["Resources"].items():
        kind, given = resource["Type"], resource.get("Properties", {})
        nested = [each for each in given.values() if isinstance(each, dict) and "Name" in each]
        for name in [(nested or [given])[0].get(key) for key in NAMED]:
            if kind in LONGEST_NAMES and name is not None:
                assert len(_filled(name, values)) <= LONGEST_NAMES[kind], logical


def _filled(name: Any, values: Mapping[str, str]) -> str:
    """A name with its values, of which the stack's id is the last part."""
    if "Ref" in name:
        return values[name["Ref"]]
    text = name["Fn::Sub"]
    if isinstance(text, list):
        assert text[1] == {"Id": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}}
        text = text[0]
    return re.sub(r"\$\{([\w:]+)\}", lambda found: values[found[1]], text)


def test_restart_may_touch_two_functions_only(template: dict[str, Any]) -> None:
    """Whose configuration it reads and updates; it has no way to the bucket."""
    configure = {"lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration"}
    assert _granted(template["Resources"]["RestartRole"]) == {
        "RequestFunction.Arn": configure,
        "UploadFunction.Arn": configure,
        "RestartLogGroup.Arn": LOG,
        "* if Traces": TRACE,
    }


def test_the_workflow_may_run_its_steps_only(template: dict[str, Any]) -> None:
    """And write its log, whose delivery actions know no resource."""
    granted = _granted(template["Resources"]["ReindexRole"])
    assert {action.partition(":")[0] for action in granted.pop("*")} == {"logs"}
    assert granted == {
        **{f"{step}Function.Arn": {"lambda:InvokeFunction"} for step in STEPS},
        "* if Traces": TRACE,
    }


def test_the_workflow_is_started_by_schedule(template: dict[str, Any]) -> None:
    """Every hour by default; not where it is off, or nothing is mirrored."""
    machine = template["Resources"]["ReindexStateMachine"]["Properties"]
    schedule = machine["Events"]["Schedule"]
    assert schedule["Type"] == "ScheduleV2"
    assert schedule["Properties"]["State"] == {"Fn::If": ["Schedules", "ENABLED", "DISABLED"]}
    assert template["Parameters"]["ReindexSchedule"]["Default"] == "rate(1 hour)"


@pytest.mark.parametrize(
    ("alarm", "metric"),
    [("ReindexFailedAlarm", "ExecutionsFailed"), ("ReindexTimedOutAlarm", "ExecutionsTimedOut")],
)
def test_a_failing_workflow_raises_an_alarm(
    template: dict[str, Any], alarm: str, metric: str
) -> None:
    """By failing, or by taking too long; it tells a topic where one was given."""
    properties = template["Resources"][alarm]["Properties"]
    assert (properties["Namespace"], properties["MetricName"]) == ("AWS/States", metric)
    assert properties["Dimensions"] == [
        {"Name": "StateMachineArn", "Value": {"Ref": "ReindexStateMachine"}}
    ]
    assert properties["TreatMissingData"] == "notBreaching"
    assert template["Resources"][alarm]["Condition"] == "HasAlarmTopic"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_roles_are_lambda_s(template: dict[str, Any], function: str) -> None:
    """Only Lambda can take a function's role, and no managed policy widens it."""
    role = template["Resources"][f"{function}Role"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "ManagedPolicyArns" not in role
    assert template["Resources"][f"{function}Function"]["Properties"]["Role"] == {
        "Fn::GetAtt": [f"{function}Role", "Arn"]
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_logs(template: dict[str, Any], function: str) -> None:
    """A function logs JSON into a group of its own, which forgets after the time that was set."""
    properties = template["Resources"][f"{function}Function"]["Properties"]
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{function}LogGroup"}
    group = template["Resources"][f"{function}LogGroup"]["Properties"]
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_python_level_has_lambda_s_name(template: dict[str, Any]) -> None:
    """Each allowed LoggingLevel is one of the settings', and is known by Lambda under some name."""
    levels = template["Parameters"]["LoggingLevel"]["AllowedValues"]
    assert set(template["Mappings"]["ApplicationLogLevel"]) == set(levels)
    for level in levels:
        assert Settings.from_env({"LOGGING_LEVEL": level}).logging_level == level


@pytest.mark.parametrize("function", ["Request", "Upload"])
def test_public_urls(template: dict[str, Any], function: str) -> None:
    """A Function URL is open to all by both permissions that AWS asks for, and only by way of the URL."""
    resources = template["Resources"]
    assert resources[f"{function}Url"]["Properties"]["AuthType"] == "NONE"
    permissions = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::Permission"
        and resource["Properties"]["FunctionName"] == {"Ref": f"{function}Function"}
        and resource.get("Condition") == "ByFunctionUrl"
    ]
    assert {permission["Action"] for permission in permissions} == {
        "lambda:InvokeFunctionUrl",
        "lambda:InvokeFunction",
    }
    for permission in permissions:
        assert permission["Principal"] == "*"
        assert permission.get("FunctionUrlAuthType") == "NONE" or (
            permission.get("InvokedViaFunctionUrl") is True
        )


def test_arrivals(template: dict[str, Any]) -> None:
    """S3's events about packages reach the arrival function, only they do, and none gets lost."""
    resources = template["Resources"]
    notified = resources["Bucket"]["Properties"]["NotificationConfiguration"]
    assert notified == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rule = resources["ArrivalRule"]["Properties"]
    assert rule["EventPattern"]["source"] == ["aws.s3"]
    assert rule["EventPattern"]["detail"]["bucket"] == {"name": [{"Ref": "Bucket"}]}
    prefixes = str(rule["EventPattern"]["detail"]["object"]["key"])
    assert "}packages/" in prefixes
    assert "}withdrawn/" in prefixes
    [target] = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["ArrivalFunction", "Arn"]}
    letters = {"Fn::GetAtt": ["ArrivalDeadLetters", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": letters}
    failing = resources["ArrivalFunction"]["Properties"]["EventInvokeConfig"]["DestinationConfig"]
    assert failing["OnFailure"]["Destination"] == letters
    permission = resources["ArrivalPermission"]["Properties"]
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["ArrivalRule", "Arn"]}


def test_urls_only_as_the_front(template: dict[str, Any]) -> None:
    """Whoever chose another front has no public Function URL beside it."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Url" or "FunctionUrlAuthType" in str(resource):
            assert resource["Condition"] == "ByFunctionUrl", name


def test_apis_alone_invoke(template: dict[str, Any]) -> None:
    """API Gateway may invoke a function for the API of this stack, and for no other."""
    found = set()
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if properties.get("Principal") == "apigateway.amazonaws.com":
            ((_, arn),) = properties["SourceArn"].items()
            api = arn.rpartition(":")[2]
            found.add((_named(properties["FunctionName"]), api, resource["Condition"]))
    functions = ("RequestFunction", "UploadFunction")
    assert found == {
        *((function, "${HttpApi}/*", "ByHttpApi") for function in functions),
        *((function, "${RestApi}/*", "ByRestApi") for function in functions),
        ("AuthorizerArn", "${HttpApi}/*", "HttpApiAuthorizes"),
        ("AuthorizerArn", "${RestApi}/*", "RestApiAuthorizes"),
    }


def test_http_api_routes(template: dict[str, Any]) -> None:
    """Reading goes to one function, all else to the other; two routes ask no authorizer."""
    routes = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            properties = resource["Properties"]
            target = properties["Target"]["Fn::Sub"].removeprefix("integrations/")
            routes[properties["RouteKey"]] = (target, "AuthorizerId" in properties)
    reads, writes = "${HttpApiReads}", "${HttpApiWrites}"
    assert routes == {
        "GET /": (reads, True),
        "GET /{proxy+}": (reads, True),
        "HEAD /": (reads, True),
        "HEAD /{proxy+}": (reads, True),
        "$default": (writes, True),
        "GET /-/health": (reads, False),
        "ANY /upload/{proxy+}": (writes, True),
        "ANY /_/oidc/{proxy+}": (writes, False),
    }


def test_rest_api(template: dict[str, Any]) -> None:
    """A REST API hands bodies on as they are, and asks for credentials by itself, with the challenge."""
    properties = template["Resources"]["RestApi"]["Properties"]
    assert properties["BinaryMediaTypes"] == ["*/*"]
    body = properties["DefinitionBody"]
    open_paths = {"/-/health", "/_/oidc/{proxy+}"}
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            ((parameter,),) = [operation.get("parameters", [None])]
            asks = parameter is not None and parameter["required"] and "security" in operation
            assert asks is (path not in open_paths)
            uri = str(operation["x-amazon-apigateway-integration"]["uri"])
            writes = path in {"/upload/{proxy+}", "/_/oidc/{proxy+}"}
            reads = method in {"get", "head", "options"} and not writes
            assert ("RequestFunction" if reads else "UploadFunction") in uri, (path, method)
    responses = body["x-amazon-apigateway-gateway-responses"]
    for name in ("BAD_REQUEST_PARAMETERS", "UNAUTHORIZED", "ACCESS_DENIED"):
        assert responses[name]["statusCode"] == "401"
        parameters = responses[name]["responseParameters"]
        assert parameters["gatewayresponse.header.WWW-Authenticate"] == f"'{CHALLENGE}'"
        document = json.loads(responses[name]["responseTemplates"]["application/json"])
        assert document == json.loads(_content(problem(Unauthenticated(REFUSED))))


def test_private_rest_api(template: dict[str, Any]) -> None:
    """A private API answers its VPC endpoints only."""
    body = template["Resources"]["RestApi"]["Properties"]["DefinitionBody"]
    name, policy, otherwise = body["x-amazon-apigateway-policy"]["Fn::If"]
    assert (name, otherwise) == ("IsPrivate", {"Ref": "AWS::NoValue"})
    (statement,) = policy["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceVpce": {"Ref": "VpcEndpointIds"}}}


def test_alarms(template: dict[str, Any]) -> None:
    """Each alarm tells the topic, of its end as well, and quiet is no alarm; no topic, no alarms."""
    alarms = _of_type(template, "AWS::CloudWatch::Alarm")
    assert len(alarms) > 10
    topic = [{"Ref": "AlarmTopicArn"}]
    for alarm in alarms.values():
        properties = alarm["Properties"]
        assert properties["AlarmActions"] == properties["OKActions"] == topic
        assert properties["TreatMissingData"] == "notBreaching"
        condition = json.dumps(template["Conditions"][alarm["Condition"]])
        assert "HasAlarmTopic" in (alarm["Condition"], *re.findall(r"\w+", condition))


@pytest.mark.parametrize("function", ["Request", "Upload"])
@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Duration", "Url5xxCount"])
def test_what_alarms_watch(template: dict[str, Any], function: str, metric: str) -> None:
    """Each function that clients wait for is watched for crashes, throttles, slowness and 5xx."""
    watched = [
        (alarm["Properties"]["MetricName"], alarm["Properties"]["Dimensions"])
        for alarm in _of_type(template, "AWS::CloudWatch::Alarm").values()
    ]
    dimension = {"Name": "FunctionName", "Value": {"Ref": f"{function}Function"}}
    assert (metric, [dimension]) in watched


def test_dashboard(template: dict[str, Any]) -> None:
    """The dashboard is JSON, its widgets do not overlap, and its metrics are those that are counted."""
    properties = template["Resources"]["Dashboard"]["Properties"]
    widgets = json.loads(properties["DashboardBody"]["Fn::Sub"])["widgets"]
    assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)
    own = {
        metric[1]
        for widget in widgets
        for metric in widget["properties"]["metrics"]
        if metric[0] == NAMESPACE
    }
    texts = (path.read_text() for path in (tools.ROOT / "layers").rglob("*.py"))
    counting = "".join(text for text in texts if "import count" in text)
    assert own <= set(re.findall(r'"((?:[A-Z][a-z]+)+)"', counting))
    names = set(template["Resources"])
    for reference in re.findall(r"\$\{(\w+)", properties["DashboardBody"]["Fn::Sub"]):
        assert reference in names | {"AWS"}


def test_keeping_warm(template: dict[str, Any]) -> None:
    """What keeps the request function warm is no HTTP event, may invoke it alone, and is off by default."""
    target = template["Resources"]["KeepWarm"]["Properties"]["Target"]
    assert to_request(json.loads(target["Input"]), None) is None
    assert target["Arn"] == {"Fn::GetAtt": ["RequestFunction", "Arn"]}
    assert template["Parameters"]["KeepWarmSchedule"]["Default"] == ""
    granted = _granted(template["Resources"]["KeepWarmRole"])
    assert granted == {"RequestFunction.Arn": {"lambda:InvokeFunction"}}


def test_admin_is_not_public(template: dict[str, Any]) -> None:
    """Nothing but IAM lets anyone invoke the admin function."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] in {"AWS::Lambda::Permission", "AWS::Lambda::Url"}:
            target = properties.get("FunctionName") or properties.get("TargetFunctionArn")
            assert target != {"Ref": "AdminFunction"}


def test_parameters_are_settings(template: dict[str, Any]) -> None:
    """Each variable of the functions is one that the settings read, set by the parameter of its name."""
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    read = _Recording()
    Settings.from_env(read)
    StoreSettings.from_env(read)
    for name, value in variables.items():
        if name in OTHERS_VARIABLES:
            continue
        assert name in read.asked
        parameter = "".join(part.capitalize() for part in name.split("_"))
        assert value == {"Ref": parameter}


def test_defaults_are_the_settings_own(template: dict[str, Any]) -> None:
    """A stack deployed without parameters behaves as a process started without variables.

    Which index to mirror is the one question that has no default.
    """
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    defaults = {
        name: str(template["Parameters"][value["Ref"]]["Default"])
        for name, value in variables.items()
        if "Default" in template["Parameters"].get(value["Ref"], {})
    }
    bucket = {"BUCKET": "a-bucket"}
    assert Settings.from_env(bucket | defaults) == Settings.from_env(bucket)
    assert StoreSettings.from_env(bucket | defaults) == StoreSettings.from_env(bucket)


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        (
            "RepoBasePrefix",
            ["", "acme", "acme/python-index"],
            ["/acme", "acme/", "a//b", "a b", "*"],
        ),
        (
            "KmsKeyArn",
            ["", "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
            ["alias/index", "arn:aws:kms:eu-central-1:123456789012:alias/index", "*"],
        ),
        (
            "UpstreamIndexUrl",
            [
                "none",
                "https://user:password@upstream.example/simple/",
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:upstream-AbCdEf",
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:upstream-AbCdEf:url",
            ],
            [
                "",
                "upstream.example",
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*",
                "arn:aws:s3:::bucket",
            ],
        ),
    ],
)
def test_parameter_patterns(
    template: dict[str, Any], name: str, allowed: list[str], refused: list[str]
) -> None:
    """A parameter that becomes part of a policy cannot widen it."""
    pattern = re.compile(template["Parameters"][name]["AllowedPattern"])
    assert all(pattern.fullmatch(value) for value in allowed)
    assert not any(pattern.fullmatch(value) for value in refused)


class _Recording(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(BUCKET="a-bucket")
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def _granted(role: Mapping[str, Any]) -> dict[str, set[str]]:
    """Each resource that the role's policies name, and under which condition, with the actions on it."""
    granted: dict[str, set[str]] = {}
    for condition, statement in _statements(role["Properties"]["Policies"]):
        assert statement["Effect"] == "Allow"
        for resource in _many(statement["Resource"]):
            name = f"{_named(resource)}{condition}"
            granted.setdefault(name, set()).update(_many(statement["Action"]))
    return granted


def _statements(policies: Any, condition: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(policies, list):
        for each in policies:
            yield from _statements(each, condition)
    elif "Fn::If" in policies:
        name, then, otherwise = policies["Fn::If"]
        assert otherwise == {"Ref": "AWS::NoValue"}
        yield from _statements(then, f" if {name}")
    elif "PolicyDocument" in policies:
        yield from _statements(policies["PolicyDocument"]["Statement"], condition)
    else:
        yield condition, policies


def _content(response: Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def _of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(resource: Any) -> str:
    """What a resource is called: the text of a Sub, or the names in a Ref or GetAtt."""
    if isinstance(resource, str):
        return resource
    ((function, argument),) = resource.items()
    if function == "Fn::Join":
        parts = [part["Fn::Select"][1]["Fn::Split"][1]["Ref"] for part in argument[1]]
        assert parts == ["UpstreamIndexUrl"] * 7
        return "secret of UpstreamIndexUrl"
    if function == "Fn::Sub":
        return str(_many(argument)[0])
    return ".".join(_many(argument))
