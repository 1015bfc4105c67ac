"""What is deployed: the tables, the queues, and that the functions are bound to them."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest
from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template
from chalice.cli.factory import CLIFactory
from chalice.deploy.validate import validate_configuration

from functions._edges import GIVEN_UP_AFTER
from infra.desk_headers import DEPLOYED_POLICY, security_headers
from infra.layers import ROOT, runtime
from infra.lint import lint, transform
from infra.lint_rules.queues import (
    EveryDeadLetterQueueHasAnAlarm,
    EveryQueueHasADeadLetterQueue,
    EverySourceReportsPartialFailures,
)
from infra.lint_rules.tables import EveryTableCanBeBroughtBack, EveryTableIsEncrypted
from infra.package import STAGE_NAME, resources_of
from tests.contract.packages import (
    STAGE,
    cloudformation_template,
    of_type,
    package_folder,
    resources,
    sam_template,
    workspace,
)
from throughline.settings import DEFAULT_QUEUE_VISIBILITY_S, Environment, variable_of

TABLE, QUEUE, FUNCTION = "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Lambda::Function"
SOURCE, ALARM = "AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Alarm"
FIFO = {"FifoQueue": True, "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
QUEUES = {
    "InboundQueue": "inbound.fifo",
    "OutboundQueue": "outbound.fifo",
    "TimersQueue": "timers",
    "MediaQueue": "media",
}
FUNCTIONS = {
    "APIHandler",
    "WebsocketConnect",
    "WebsocketMessage",
    "WebsocketDisconnect",
    "ProcessInbound",
    "ProcessOutbound",
    "ProcessTimers",
    "ProcessMedia",
    "ReleaseDue",
}


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


# ---------------------------------------------------------------- tables, queues, bucket


@pytest.mark.parametrize("table", ["threads", "customers", "routing", "settings"])
def test_a_table_is_two_strings_paid_by_request_and_can_be_brought_back(table: str) -> None:
    properties = of_type(sam_template(), TABLE)[f"{table.capitalize()}Table"]

    assert properties == {
        "TableName": sub(f"throughline-${{Stage}}-{table}"),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_s", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }


def test_what_holds_customers_words_stays_when_the_stack_goes() -> None:
    kept = {name for name, item in sam_template()["Resources"].items() if item.get("DeletionPolicy") == "Retain"}
    assert kept == {"ThreadsTable", "CustomersTable", "RoutingTable", "SettingsTable", "BlobsBucket"}


@pytest.mark.parametrize(("logical_id", "name"), QUEUES.items())
def test_a_queue_gives_up_after_eight_tries_into_its_own_dead_letter_queue(logical_id: str, name: str) -> None:
    queues = of_type(sam_template(), QUEUE)
    queue, dead_id = queues[logical_id], logical_id.replace("Queue", "DeadQueue")
    stem, dot, fifo = name.partition(".")

    assert queue["QueueName"] == sub(f"throughline-${{Stage}}-{name}")
    assert queues[dead_id]["QueueName"] == sub(f"throughline-${{Stage}}-{stem}-dead{dot}{fifo}")
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_id, "Arn"]},
        "maxReceiveCount": GIVEN_UP_AFTER,
    }
    assert queue["VisibilityTimeout"] == DEFAULT_QUEUE_VISIBILITY_S == 90
    assert queues[dead_id]["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]  # its clock started in the queue


@pytest.mark.parametrize("logical_id", QUEUES)
def test_only_queues_that_keep_an_order_are_fifo_and_those_are_fast(logical_id: str) -> None:
    for name in (logical_id, logical_id.replace("Queue", "DeadQueue")):
        properties = of_type(sam_template(), QUEUE)[name]
        assert {key: properties.get(key) for key in FIFO} == (
            FIFO if "fifo" in QUEUES[logical_id] else dict.fromkeys(FIFO)
        )


def test_the_bucket_is_private_encrypted_and_for_tls_alone() -> None:
    bucket = of_type(sam_template(), "AWS::S3::Bucket")["BlobsBucket"]
    (statement,) = of_type(sam_template(), "AWS::S3::BucketPolicy")["BlobsBucketPolicy"]["PolicyDocument"]["Statement"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert "BucketEncryption" in bucket
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# ---------------------------------------------------------------- functions


def test_these_functions_are_deployed() -> None:
    assert set(of_type(cloudformation_template(), FUNCTION)) == FUNCTIONS


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_has_fifteen_seconds_on_arm_with_both_layers(function: str) -> None:
    properties = of_type(sam_template(), "AWS::Serverless::Function")[function]

    assert (properties["Timeout"], properties["MemorySize"]) == (15, 512)
    assert properties["Architectures"] == ["arm64"]
    assert properties["Runtime"] == runtime()
    assert sam_template()["Globals"]["Function"]["Layers"] == [{"Ref": "CoreLayer"}, {"Ref": "DependenciesLayer"}]
    assert "Layers" not in properties  # it would take the place of the common ones


@pytest.mark.parametrize("layer", ["CoreLayer", "DependenciesLayer"])
def test_a_layer_is_built_for_what_the_functions_run_on(layer: str) -> None:
    properties = of_type(sam_template(), "AWS::Serverless::LayerVersion")[layer]

    assert properties["CompatibleRuntimes"] == [runtime()]
    assert properties["CompatibleArchitectures"] == ["arm64"]


@pytest.mark.parametrize(("logical_id", "name"), QUEUES.items())
def test_a_worker_reads_its_own_queue_and_reports_which_records_failed(logical_id: str, name: str) -> None:
    function = f"Process{logical_id.removesuffix('Queue')}"
    (source,) = [
        s for s in of_type(cloudformation_template(), SOURCE).values() if s["FunctionName"] == {"Ref": function}
    ]

    assert source["EventSourceArn"] == {"Fn::GetAtt": [logical_id, "Arn"]}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["MaximumBatchingWindowInSeconds"] == 0
    assert source["BatchSize"] <= 10, name


def test_floods_of_messages_and_files_leave_room_for_the_rest() -> None:
    sources = of_type(cloudformation_template(), SOURCE).values()
    bounds = {
        s["FunctionName"]["Ref"]: s["ScalingConfig"]["MaximumConcurrency"] for s in sources if "ScalingConfig" in s
    }
    assert bounds == {"ProcessInbound": 200, "ProcessMedia": 10}


def test_no_placeholder_of_an_arn_is_left() -> None:
    assert "000000000000" not in json.dumps(sam_template())


def test_far_timers_are_looked_through_every_minute() -> None:
    (rule,) = of_type(cloudformation_template(), "AWS::Events::Rule").values()
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["ReleaseDue", "Arn"]}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_logs_of_a_function_go_after_a_month(function: str) -> None:
    groups = of_type(sam_template(), "AWS::Logs::LogGroup").values()
    kept = {group["LogGroupName"]["Fn::Sub"]: group["RetentionInDays"] for group in groups}
    assert kept[f"/aws/lambda/${{{function}}}"] == 30


def test_the_environment_is_exactly_what_the_code_reads() -> None:
    given = sam_template()["Globals"]["Function"]["Environment"]["Variables"]
    required = {variable_of(item) for item in fields(Environment) if item.default is MISSING}
    known = {variable_of(item) for item in fields(Environment)}

    assert required - {"AWS_REGION"} <= set(given)  # the region is Lambda's own to tell
    assert set(given) <= known


def test_sockets_are_reached_on_the_stage_they_are_deployed_to() -> None:
    stage = of_type(sam_template(), "AWS::ApiGatewayV2::Stage")["WebsocketAPIStage"]["StageName"]
    endpoint = sam_template()["Globals"]["Function"]["Environment"]["Variables"]["SOCKETS_ENDPOINT"]["Fn::Sub"]

    assert endpoint == f"https://${{WebsocketAPI}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"


def test_the_socket_has_its_three_routes() -> None:
    routes = of_type(sam_template(), "AWS::ApiGatewayV2::Route").values()
    assert {route["RouteKey"] for route in routes} == {"$connect", "$default", "$disconnect"}


def test_the_alarm_on_answers_of_5xx_watches_the_api_that_is_deployed() -> None:
    api = of_type(sam_template(), "AWS::Serverless::Api")["RestAPI"]
    dimensions = {d["Name"]: d["Value"] for d in of_type(sam_template(), ALARM)["HttpErrorsAlarm"]["Dimensions"]}

    assert dimensions == {"ApiName": api["DefinitionBody"]["info"]["title"], "Stage": api["StageName"]}


@pytest.mark.parametrize("alarm", sorted(of_type(resources(), ALARM)))
def test_every_alarm_tells_somebody_and_says_what_is_wrong(alarm: str) -> None:
    properties = of_type(sam_template(), ALARM)[alarm]

    assert properties["AlarmActions"] == [{"Ref": "AlarmsTopic"}]
    assert properties["AlarmDescription"].endswith(".")


def test_a_package_can_be_deployed_only_as_the_stage_it_was_made_for() -> None:
    assert sam_template()["Parameters"]["Stage"]["AllowedValues"] == [STAGE]
    assert resources_of("prod")["Parameters"]["Stage"]["AllowedValues"] == ["prod"]


@pytest.mark.parametrize("name", ["", "Dev", "9a", "dev-1", "a" * 17, "x\n"])
def test_a_stage_has_a_name_that_fits_into_every_other(name: str) -> None:
    assert STAGE_NAME.fullmatch(name) is None


def test_chalice_itself_finds_nothing_wrong_with_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # Chalice adds vendor/ to it
    validate_configuration(CLIFactory(str(ROOT), environ={}).create_config_obj(STAGE))


# ---------------------------------------------------------------- cfn-lint, with our rules


@pytest.mark.parametrize("template", ["sam.json", "transformed.json"])
def test_cfn_lint_has_nothing_to_say(template: str) -> None:
    (package_folder() / "transformed.json").write_text(json.dumps(cloudformation_template()))
    assert lint(package_folder() / template) == []


def without_redrive(template: dict[str, Any]) -> None:
    del template["Resources"]["MediaQueue"]["Properties"]["RedrivePolicy"]


def with_redrive_elsewhere(template: dict[str, Any]) -> None:
    redrive = template["Resources"]["MediaQueue"]["Properties"]["RedrivePolicy"]
    redrive["deadLetterTargetArn"] = "arn:aws:sqs:eu-central-1:123456789012:elsewhere"


def without_alarm(template: dict[str, Any]) -> None:
    del template["Resources"]["MediaDeadAlarm"]


def with_alarm_nobody_hears(template: dict[str, Any]) -> None:
    del template["Resources"]["MediaDeadAlarm"]["Properties"]["AlarmActions"]


def with_alarm_on_something_else(template: dict[str, Any]) -> None:
    template["Resources"]["MediaDeadAlarm"]["Properties"]["MetricName"] = "NumberOfMessagesDeleted"


def without_partial_failures(template: dict[str, Any]) -> None:
    source = template["Resources"]["ProcessMedia"]["Properties"]["Events"]["ProcessMediaSqsEventSource"]
    del source["Properties"]["FunctionResponseTypes"]


def without_recovery(template: dict[str, Any]) -> None:
    del template["Resources"]["ThreadsTable"]["Properties"]["PointInTimeRecoverySpecification"]


def with_table_that_goes(template: dict[str, Any]) -> None:
    template["Resources"]["ThreadsTable"]["DeletionPolicy"] = "Delete"


def without_encryption(template: dict[str, Any]) -> None:
    template["Resources"]["ThreadsTable"]["Properties"]["SSESpecification"]["SSEEnabled"] = False


@pytest.mark.parametrize(
    ("rule", "break_it"),
    [
        (EveryQueueHasADeadLetterQueue, without_redrive),
        (EveryQueueHasADeadLetterQueue, with_redrive_elsewhere),
        (EveryDeadLetterQueueHasAnAlarm, without_alarm),
        (EveryDeadLetterQueueHasAnAlarm, with_alarm_nobody_hears),
        (EveryDeadLetterQueueHasAnAlarm, with_alarm_on_something_else),
        (EverySourceReportsPartialFailures, without_partial_failures),
        (EveryTableCanBeBroughtBack, without_recovery),
        (EveryTableCanBeBroughtBack, with_table_that_goes),
        (EveryTableIsEncrypted, without_encryption),
    ],
)
@pytest.mark.parametrize("transformed", [False, True])
def test_a_rule_of_ours_speaks_up(
    rule: type[CloudFormationLintRule], break_it: Callable[[dict[str, Any]], None], *, transformed: bool
) -> None:
    broken = copy.deepcopy(sam_template())
    break_it(broken)
    assert found_by(rule, transform(broken) if transformed else broken)


def found_by(rule: type[CloudFormationLintRule], template: dict[str, Any]) -> list[RuleMatch]:
    found: list[RuleMatch] = rule().match(Template("template.json", template, ["eu-central-1"]))
    return found


def test_our_rules_are_among_those_that_are_run() -> None:
    broken = copy.deepcopy(sam_template())
    without_redrive(broken)
    path = workspace() / "broken.json"
    path.write_text(json.dumps(broken))

    assert [line for line in lint(path) if " E9001 " in line]


# ---------------------------------------------------------------- what stands in the repository


def test_chalice_is_given_no_requirement_to_bundle() -> None:
    assert (ROOT / "requirements.txt").read_bytes() == b""


@pytest.mark.parametrize("path", ["requirements-dev.txt", "layers/dependencies/requirements.txt"])
def test_pinned_requirements_name_no_address(path: str) -> None:
    text = (ROOT / path).read_text()
    assert not [
        line for line in text.splitlines() if "://" in line or line.startswith("-") or "/" in line.split("#")[0]
    ]


def test_the_layer_is_pinned_to_what_the_tests_run_with() -> None:
    pins = {
        line.split()[0]
        for line in (ROOT / "layers/dependencies/requirements.txt").read_text().splitlines()
        if "==" in line
    }
    tested = {line.split()[0] for line in (ROOT / "requirements-dev.txt").read_text().splitlines() if "==" in line}
    assert pins <= tested


def test_who_asks_for_visitors_tokens_is_slowed_down_before_any_function_runs() -> None:
    api = of_type(sam_template(), "AWS::Serverless::Api")["RestAPI"]
    # Slashes of a path are written ~1 behind the first one.
    # docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-apigateway-stage-methodsetting.html
    limits = {
        (item["HttpMethod"], item["ResourcePath"].removeprefix("/").replace("~1", "/")): item
        for item in api["MethodSettings"]
    }

    for method, path in (("POST", "/webchat/{account}/visitors"), ("GET", "/webchat/{account}")):
        assert path in api["DefinitionBody"]["paths"]
        assert 0 < limits[method, path]["ThrottlingRateLimit"] <= limits[method, path]["ThrottlingBurstLimit"]


def test_a_template_too_large_to_be_sent_along_is_deployed_from_the_bucket() -> None:
    # docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert 51_200 < len(json.dumps(sam_template())) < 1_000_000
    make = ["make", "--dry-run", "--directory", str(ROOT), "deploy", "ARTIFACTS=our-bucket"]
    told = subprocess.run(make, check=True, capture_output=True, text=True).stdout.replace("\\\n", " ")
    (deploying,) = [line for line in told.splitlines() if "cloudformation deploy" in line]
    assert '--s3-bucket "our-bucket"' in deploying


def test_a_page_of_another_origin_may_read_that_the_gateway_itself_said_no() -> None:
    body = of_type(sam_template(), "AWS::Serverless::Api")["RestAPI"]["DefinitionBody"]
    told = {
        kind: answer["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"]
        for kind, answer in body["x-amazon-apigateway-gateway-responses"].items()
    }

    assert told == {"DEFAULT_4XX": "'*'", "DEFAULT_5XX": "'*'"}


def test_browsers_may_post_the_forms_that_were_signed_for_them() -> None:
    bucket = of_type(sam_template(), "AWS::S3::Bucket")["BlobsBucket"]
    (rule,) = bucket["CorsConfiguration"]["CorsRules"]

    assert {"GET", "POST"} == set(rule["AllowedMethods"])


def test_the_desk_is_served_with_the_headers_the_local_stack_sends() -> None:
    resources = sam_template()["Resources"]
    config = resources["DeskHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    sent = {item["Header"]: item["Value"] for item in config["CustomHeadersConfig"]["Items"]} | {
        "Content-Security-Policy": policy,
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff" if "ContentTypeOptions" in security else "",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
    }
    behaviour = resources["DeskDistribution"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]

    assert sent == security_headers(DEPLOYED_POLICY)
    assert behaviour["ResponseHeadersPolicyId"] == {"Ref": "DeskHeaders"}
    assert all(header["Override"] for name, header in security.items())


def test_the_desks_policy_allows_nothing_inline_and_no_frame() -> None:
    directives = dict(part.strip().split(" ", 1) for part in DEPLOYED_POLICY.split(";"))

    assert (directives["default-src"], directives["script-src"], directives["style-src"]) == (
        "'none'",
        "'self'",
        "'self'",
    )
    assert (directives["frame-ancestors"], directives["base-uri"]) == ("'none'", "'none'")
    assert not re.search(r"unsafe|data:|\s\*(\s|$)", DEPLOYED_POLICY)
