"""The rules that the template is held to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.stores.template import template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE: dict[str, Any] = template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


FUNCTIONS = of_type("AWS::Serverless::Function")
ROLES = of_type("AWS::IAM::Role")
QUEUES = of_type("AWS::SQS::Queue")
RULES = of_type("AWS::Events::Rule")
WORKING_QUEUES = sorted(name for name in QUEUES if not name.endswith("DLQ"))


def target(value: Any) -> str:
    """Logical id behind a ``Ref`` or ``GetAtt``."""
    if "Ref" in value:
        return str(value["Ref"])
    attribute = value["Fn::GetAtt"]
    return str(attribute[0] if isinstance(attribute, list) else attribute.split(".")[0])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(role: str) -> list[dict[str, Any]]:
    """All statements of a role, both sides of a condition included."""
    found: list[dict[str, Any]] = []
    for policy in ROLES[role]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            sides = statement["Fn::If"][1:] if "Fn::If" in statement else [statement]
            found += [side for side in sides if "Effect" in side]
    return found


def allowed(role: str) -> set[tuple[str, str]]:
    """What a role allows: pairs of action and the resource's logical id."""
    pairs = set()
    for statement in statements(role):
        if statement["Effect"] != "Allow":
            continue
        for resource in listed(statement["Resource"]):
            name = (
                target(resource) if isinstance(resource, dict) and "Fn::Sub" not in resource else ""
            )
            pairs |= {(action, name) for action in listed(statement["Action"])}
    return pairs


def test_every_function_folder_is_deployed_and_every_function_has_its_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    deployed = {Path(properties["CodeUri"]).name for properties in FUNCTIONS.values()}

    assert deployed == folders


#: Looks for what should not be there.
READS_LOGS = "ScanResiduesFunction"


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
class TestEveryFunction:
    def test_is_named_after_its_folder(self, function: str) -> None:
        folder = Path(FUNCTIONS[function]["CodeUri"]).name

        assert function == "".join(part.capitalize() for part in folder.split("_")) + "Function"

    def test_has_a_role_of_its_own(self, function: str) -> None:
        roles = [target(properties["Role"]) for properties in FUNCTIONS.values()]

        assert target(FUNCTIONS[function]["Role"]) == function.removesuffix("Function") + "Role"
        assert len(set(roles)) == len(roles)

    def test_takes_only_what_lambda_hands_over(self, function: str) -> None:
        trust = ROLES[target(FUNCTIONS[function]["Role"])]["AssumeRolePolicyDocument"]

        assert [s["Principal"] for s in trust["Statement"]] == [{"Service": "lambda.amazonaws.com"}]

    def test_has_no_managed_policy(self, function: str) -> None:
        assert "ManagedPolicyArns" not in ROLES[target(FUNCTIONS[function]["Role"])]
        assert "Policies" not in FUNCTIONS[function]

    def test_writes_to_its_own_logs_only_and_they_are_forgotten(self, function: str) -> None:
        logs = target(FUNCTIONS[function]["LoggingConfig"]["LogGroup"])
        pairs = allowed(target(FUNCTIONS[function]["Role"]))
        if function == READS_LOGS:
            pairs.remove(("logs:FilterLogEvents", ""))

        assert {name for action, name in pairs if action.startswith("logs:")} == {logs}
        assert RESOURCES[logs]["Properties"]["RetentionInDays"] == 14

    def test_names_actions_and_resources(self, function: str) -> None:
        for statement in statements(target(FUNCTIONS[function]["Role"])):
            for action in listed(statement["Action"]):
                assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", action) or action in (
                    "sqs:ChangeMessageVisibility*",
                    "sqs:SendMessage*",
                )
            if statement["Resource"] == "*":
                # A phone number has no ARN, nor has a list of schedules; the emulator checks
                # e-mail against nothing narrower.
                assert (statement["Sid"], statement["Action"]) in {
                    ("SendSms", "sns:Publish"),
                    ("SendEmail", "ses:SendEmail"),
                    ("FindSchedules", "scheduler:ListSchedules"),
                }

    def test_is_told_the_names_of_what_its_role_reaches(self, function: str) -> None:
        told = {
            target(side)
            for value in FUNCTIONS[function]["Environment"]["Variables"].values()
            if isinstance(value, dict)
            for side in value.get("Fn::If", [value])
            if isinstance(side, dict) and ("Ref" in side or "Fn::GetAtt" in side)
        }
        reached = {
            name
            for _, name in allowed(target(FUNCTIONS[function]["Role"]))
            if RESOURCES.get(name, {}).get("Type")
            in {"AWS::DynamoDB::Table", "AWS::Events::EventBus"}
        }

        assert {
            name
            for name in told
            if RESOURCES.get(name, {}).get("Type")
            in {"AWS::DynamoDB::Table", "AWS::Events::EventBus"}
        } == reached


@pytest.mark.parametrize(
    "function", sorted(name for name in FUNCTIONS if name.startswith("Webhook"))
)
def test_a_webhook_reaches_no_table_and_one_secret_at_most(function: str) -> None:
    pairs = allowed(target(FUNCTIONS[function]["Role"]))

    assert not [action for action, _ in pairs if action.startswith(("dynamodb:", "events:"))]
    assert len([name for action, name in pairs if action.startswith("secretsmanager:")]) <= 1


@pytest.mark.parametrize(
    "function",
    [
        *(name.removesuffix("Function") for name in sorted(FUNCTIONS) if name.startswith("Send")),
        *("ApiCustomers", "ApiCases", "DispatchMessage"),
    ],
)
def test_senders_and_readers_write_neither_identities_nor_history(function: str) -> None:
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}

    written = {name for action, name in allowed(f"{function}Role") if action in writes}

    assert not written & {"IdentityTable", "TimelineTable"}


def test_candidates_join_nobody_unless_the_deployment_says_so() -> None:
    assert TEMPLATE["Parameters"]["CandidatesAutoMerge"]["Default"] == "false"
    (policy,) = ROLES["FindCandidatesRole"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        choice = statement.get("Fn::If", [None, statement, None])
        writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "events:PutEvents"}
        reached = {target(resource) for resource in listed(choice[1]["Resource"])}
        if writes & set(listed(choice[1]["Action"])) and reached != {"CandidateTable"}:
            assert choice[0] == "CandidatesMerge"
            assert choice[2] == {"Ref": "AWS::NoValue"}


#: Who calls the CRM.
CRM_CALLERS = ("EraseSubjectRole", "SendCrmRole")


@pytest.mark.parametrize("role", CRM_CALLERS)
def test_who_calls_the_crm_writes_its_secret_only_where_tokens_roll(role: str) -> None:
    (policy,) = ROLES[role]["Policies"]
    writes = [
        statement
        for statement in policy["PolicyDocument"]["Statement"]
        if "secretsmanager:PutSecretValue" in json.dumps(statement)
    ]
    ((condition, own, otherwise),) = [statement["Fn::If"] for statement in writes]

    assert (condition, otherwise) == ("CrmTokensRoll", {"Ref": "AWS::NoValue"})
    assert target(own["Resource"]) == "CrmSecret"
    others = ROLES.keys() - set(CRM_CALLERS)
    assert not [r for r in others if ("secretsmanager:PutSecretValue", "CrmSecret") in allowed(r)]


def test_only_a_change_of_rules_retention_and_the_scan_walk_all_identities() -> None:
    walkers = {
        role
        for role in ROLES
        for statement in statements(role)
        if "dynamodb:Scan" in listed(statement["Action"])
        and "IdentityTable" in str(statement["Resource"])
    }

    assert walkers == {"ApplyRulesRole", "PurgeRetentionRole", "ScanResiduesRole"}


class TestScanOfResidues:
    def test_reaches_every_place_of_the_stack(self) -> None:
        resources = str([statement["Resource"] for statement in statements("ScanResiduesRole")])
        kinds = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Scheduler::ScheduleGroup")
        places = {name for kind in kinds for name in of_type(kind)}
        places |= {name for name in QUEUES if name.endswith("DLQ")}

        assert not [place for place in places if place not in resources]
        prefix = "/aws/lambda/${AWS::StackName}/"
        names = [
            logs["LogGroupName"]["Fn::Sub"] for logs in of_type("AWS::Logs::LogGroup").values()
        ]
        assert prefix in resources
        assert not [name for name in names if not name.startswith(prefix)]

    def test_changes_nothing_but_its_own_rows(self) -> None:
        reads = {"Get", "List", "Describe", "BatchGet", "Query", "Scan", "Filter", "Receive"}
        # A message that was read is given back.
        own = {
            ("dynamodb:PutItem", "PrivacyTable"),
            ("logs:CreateLogStream", "ScanResiduesLogs"),
            ("logs:PutLogEvents", "ScanResiduesLogs"),
            *(("sqs:ChangeMessageVisibility*", name) for name in QUEUES if name.endswith("DLQ")),
        }
        changes = {
            (action, name)
            for action, name in allowed("ScanResiduesRole")
            if not action.partition(":")[2].startswith(tuple(reads))
        }

        assert changes == own

    def test_opens_no_secret_but_that_of_canaries_and_nothing_sealed(self) -> None:
        pairs = allowed("ScanResiduesRole")

        assert {name for action, name in pairs if action.startswith("secretsmanager:")} == {
            "CanarySecretArn"
        }
        assert not [action for action, _ in pairs if action.startswith("kms:")]


def test_who_tells_identifiers_of_their_customers_creates_none_and_deletes_none() -> None:
    pairs = allowed("FollowCustomersRole")

    assert {action for action, name in pairs if name == "IdentityTable"} == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
    }
    assert not {
        action
        for action, name in pairs
        if name == "TimelineTable" and action not in ("dynamodb:GetItem", "dynamodb:Query")
    }


@pytest.mark.parametrize("queue", WORKING_QUEUES)
class TestEveryQueue:
    def test_is_visible_again_after_six_times_the_functions_timeout(self, queue: str) -> None:
        ((function, _),) = consumers(queue)
        timeout = FUNCTIONS[function].get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])

        assert QUEUES[queue]["VisibilityTimeout"] == 6 * timeout

    def test_reports_single_failures_and_bounds_concurrency(self, queue: str) -> None:
        ((_, event),) = consumers(queue)

        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert "MaximumConcurrency" in event["ScalingConfig"]

    def test_has_dead_letters_with_an_alarm(self, queue: str) -> None:
        dead = target(QUEUES[queue]["RedrivePolicy"]["deadLetterTargetArn"])
        alarms = [
            alarm
            for alarm in of_type("AWS::CloudWatch::Alarm").values()
            if alarm["Namespace"] == "AWS/SQS" and target(alarm["Dimensions"][0]["Value"]) == dead
        ]

        assert dead == queue.replace("Queue", "DLQ")
        assert [
            (alarm["MetricName"], alarm["Threshold"], alarm["ComparisonOperator"])
            for alarm in alarms
        ] == [("ApproximateNumberOfMessagesVisible", 0, "GreaterThanThreshold")]
        assert alarms[0]["AlarmActions"]


def consumers(queue: str) -> list[tuple[str, dict[str, Any]]]:
    """Functions that a queue feeds, with the event source's properties."""
    return [
        (function, event["Properties"])
        for function, properties in FUNCTIONS.items()
        for event in properties["Events"].values()
        if event["Type"] == "SQS" and target(event["Properties"]["Queue"]) == queue
    ]


def test_every_queue_is_encrypted_and_kept_for_the_longest_time() -> None:
    for properties in QUEUES.values():
        assert properties["SqsManagedSseEnabled"] is True
        assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600


#: Its messages are ids of requests.
_ERASURE = {"ErasureQueue", "ErasureDLQ"}


def test_an_erasure_looks_into_every_queue() -> None:
    variables = FUNCTIONS["EraseSubjectFunction"]["Environment"]["Variables"]
    told = {target(value) for value in variables["QUEUE_URLS"]["Fn::Join"][1]}

    assert told == set(QUEUES) - _ERASURE


def test_what_fences_keep_out_is_taken_from_every_dead_letter_queue() -> None:
    variables = FUNCTIONS["ScrubDeadLettersFunction"]["Environment"]["Variables"]
    told = {target(value) for value in variables["DLQ_URLS"]["Fn::Join"][1]}

    assert told == {name for name in QUEUES if name.endswith("DLQ")} - _ERASURE


@pytest.mark.parametrize("rule", sorted(RULES))
class TestEveryRule:
    def test_bounds_its_retries_and_keeps_what_failed(self, rule: str) -> None:
        (goal,) = RULES[rule]["Targets"]

        assert set(goal["RetryPolicy"]) == {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"}
        assert target(goal["DeadLetterConfig"]["Arn"]) == dead_letters_of(target(goal["Arn"]))

    def test_and_no_other_may_send_to_its_queues(self, rule: str) -> None:
        (goal,) = RULES[rule]["Targets"]
        queue = target(goal["Arn"])
        dead = dead_letters_of(queue)
        (policy,) = [
            properties
            for properties in of_type("AWS::SQS::QueuePolicy").values()
            if queue in {target(value) for value in properties["Queues"]}
        ]
        (statement,) = policy["PolicyDocument"]["Statement"]

        assert {target(value) for value in policy["Queues"]} == {queue, dead}
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        allowed = {
            target(source) for source in (sources if isinstance(sources, list) else [sources])
        }
        assert allowed == {
            name for name, other in RULES.items() if target(other["Targets"][0]["Arn"]) == queue
        }

    def test_has_a_pattern_of_lists_and_knows_its_sources(self, rule: str) -> None:
        pattern = RULES[rule]["EventPattern"]

        assert pattern["source"] == [{"prefix": "enlace."}]
        assert pattern["detail-type"]
        assert all(leaf for leaf in leaves(pattern))


def dead_letters_of(queue: str) -> str:
    """The logical id of a queue's dead-letter queue."""
    return queue.replace("Queue", "DLQ")


def leaves(pattern: Any) -> list[list[Any]]:
    """What a pattern matches against; each must be a list."""
    if isinstance(pattern, dict):
        return [leaf for value in pattern.values() for leaf in leaves(value)]
    assert isinstance(pattern, list), f"{pattern!r} is not a list, which EventBridge refuses"
    return [pattern]


def test_every_table_is_on_demand_encrypted_and_outlives_the_stack() -> None:
    for name, properties in of_type("AWS::DynamoDB::Table").items():
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        encryption = properties["SSESpecification"]
        assert encryption["SSEEnabled"] is True and "DataKey" in str(encryption["KMSMasterKeyId"])
        assert RESOURCES[name]["DeletionPolicy"] == "Retain"


def test_on_aws_email_goes_out_from_the_configured_address_only() -> None:
    (policy,) = ROLES["SendEmailRole"]["Policies"]
    (choice,) = [s["Fn::If"] for s in policy["PolicyDocument"]["Statement"] if "Fn::If" in s]
    on_aws = choice[2]

    assert choice[0] == "UseLocalApiKey"
    # A mail that we made ourselves needs the second one on AWS.
    assert on_aws["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]
    assert "*" not in on_aws["Resource"]
    assert on_aws["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "EmailFrom"}}}


def test_the_api_wants_a_token_wherever_it_is_not_a_webhook() -> None:
    public = {
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for function, properties in FUNCTIONS.items()
        if function.startswith("Api")
        for event in properties["Events"].values()
        if event["Properties"].get("Auth") != {"Authorizer": "Jwt"}
    }

    assert public == {("GET", "/v1/openapi.json")}


def test_the_key_of_all_keys_outlives_the_stack() -> None:
    assert RESOURCES["AddressKeySecret"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["AddressKeySecret"]["UpdateReplacePolicy"] == "Retain"


def test_no_endpoint_is_set_on_aws() -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]

    assert variables["AWS_ENDPOINT_URL"]["Fn::If"][2] == {"Ref": "AWS::NoValue"}
    assert TEMPLATE["Parameters"]["EndpointUrl"]["Default"] == ""
