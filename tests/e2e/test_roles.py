"""Every role is insufficient for what its function must not touch: tried, with its credentials.

That each is sufficient is what all other tests on the stack show, since the emulator holds every
function to its role.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from enlace.senders.registry import sender_channels
from local import settings
from local import stack as local_stack

Clients = Callable[[str], Any]
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
}
# Lets the account's root take a role that only Lambda may take otherwise.
TRUST_ROOT = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def resources(stack: dict[str, Any]) -> dict[str, str]:
    """Physical ids of the stack's resources by logical id."""
    pages = (
        local_stack.client("cloudformation")
        .get_paginator("list_stack_resources")
        .paginate(StackName=settings.STACK_NAME)
    )
    return {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for page in pages
        for item in page["StackResourceSummaries"]
    }


@pytest.fixture(scope="module")
def as_role(resources: dict[str, str]) -> Iterator[Callable[[str], Clients]]:
    """Clients with the credentials of a function's role."""
    iam = local_stack.client("iam")
    changed: dict[str, Any] = {}

    def assume(function: str) -> Clients:
        name = resources[f"{function}Role"]
        role = iam.get_role(RoleName=name)["Role"]
        changed.setdefault(name, role["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(TRUST_ROOT))
        keys = local_stack.client("sts").assume_role(
            RoleArn=role["Arn"], RoleSessionName=f"test-{uuid.uuid4().hex}"
        )["Credentials"]
        return lambda service: local_stack.client(
            service,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    yield assume
    for name, document in changed.items():
        text = document if isinstance(document, str) else json.dumps(document)
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=text)


def denied(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether a call is refused for want of permission; any other failure is raised."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            return True
        raise
    return False


KEY = {"pk": {"S": "nobody"}}
MAIL: dict[str, Any] = {
    "FromEmailAddress": "sac@example.com",
    "Destination": {"ToAddresses": ["nobody@example.com"]},
    "Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
}
SENDERS = [f"Send{channel.capitalize()}" for channel in sorted(sender_channels())]


class TestWebhook:
    def test_reads_no_table(self, stack: dict[str, Any], as_role: Callable[[str], Clients]) -> None:
        dynamodb = as_role("WebhookWhatsapp")("dynamodb")

        assert denied(dynamodb.get_item, TableName=stack["table_names"]["identity"], Key=KEY)
        assert denied(dynamodb.scan, TableName=stack["table_names"]["timeline"])

    def test_reads_its_own_secret_and_no_other(
        self, resources: dict[str, str], as_role: Callable[[str], Clients]
    ) -> None:
        vault = as_role("WebhookWhatsapp")("secretsmanager")
        own, other = resources["ChannelSecretWhatsapp"], resources["ChannelSecretX"]

        assert not denied(vault.get_secret_value, SecretId=own)
        assert denied(vault.get_secret_value, SecretId=other)
        assert denied(vault.get_secret_value, SecretId=resources["AddressKeySecret"])
        assert denied(vault.put_secret_value, SecretId=own, SecretString="{}")

    def test_sends_to_the_resolver_only_and_receives_nothing(
        self, stack: dict[str, Any], as_role: Callable[[str], Clients]
    ) -> None:
        sqs = as_role("WebhookWhatsapp")("sqs")

        assert denied(sqs.send_message, QueueUrl=stack["queue_urls"]["crm"], MessageBody="x")
        assert denied(sqs.receive_message, QueueUrl=stack["queue_urls"]["interactions"])

    def test_publishes_nothing(
        self, stack: dict[str, Any], as_role: Callable[[str], Clients]
    ) -> None:
        event = {
            "Source": "enlace.webhook_whatsapp",
            "DetailType": "interaction.recorded.v1",
            "Detail": "{}",
            "EventBusName": stack["bus_name"],
        }

        assert denied(as_role("WebhookWhatsapp")("events").put_events, Entries=[event])


class TestResolver:
    def test_never_queries_histories(
        self, stack: dict[str, Any], as_role: Callable[[str], Clients]
    ) -> None:
        assert denied(
            as_role("ResolveIdentity")("dynamodb").query,
            TableName=stack["table_names"]["timeline"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "nobody"}},
        )

    def test_reads_no_secret_of_a_channel(
        self, resources: dict[str, str], as_role: Callable[[str], Clients]
    ) -> None:
        vault = as_role("ResolveIdentity")("secretsmanager")

        assert not denied(vault.get_secret_value, SecretId=resources["AddressKeySecret"])
        assert denied(vault.get_secret_value, SecretId=resources["ChannelSecretX"])

    def test_sends_no_message_to_anybody(self, as_role: Callable[[str], Clients]) -> None:
        sns = as_role("ResolveIdentity")("sns")

        assert denied(sns.publish, PhoneNumber="+5511900000000", Message="x")


@pytest.mark.parametrize("function", [*SENDERS, "SendCrm", "ApiCustomers", "FindCandidates"])
class TestReader:
    def test_reads_identities(
        self, function: str, stack: dict[str, Any], as_role: Callable[[str], Clients]
    ) -> None:
        table = stack["table_names"]["identity"]

        assert not denied(as_role(function)("dynamodb").get_item, TableName=table, Key=KEY)

    def test_writes_no_identity(
        self, function: str, stack: dict[str, Any], as_role: Callable[[str], Clients]
    ) -> None:
        dynamodb = as_role(function)("dynamodb")
        table = stack["table_names"]["identity"]

        assert denied(dynamodb.put_item, TableName=table, Item=KEY)
        assert denied(dynamodb.delete_item, TableName=table, Key=KEY)
        assert denied(
            dynamodb.transact_write_items,
            TransactItems=[{"Put": {"TableName": table, "Item": KEY}}],
        )


@pytest.mark.parametrize("function", SENDERS)
def test_a_sender_of_messages_reads_no_history(
    function: str, stack: dict[str, Any], as_role: Callable[[str], Clients]
) -> None:
    key = {**KEY, "sk": {"S": "nothing"}}

    assert denied(
        as_role(function)("dynamodb").get_item,
        TableName=stack["table_names"]["timeline"],
        Key=key,
    )


def test_candidates_are_written_by_their_function_alone(
    stack: dict[str, Any], as_role: Callable[[str], Clients]
) -> None:
    table, key = stack["table_names"]["candidate"], {**KEY, "sk": {"S": "point"}}
    api, finder = as_role("ApiConciliations")("dynamodb"), as_role("FindCandidates")
    best = {
        "IndexName": "best",
        "KeyConditionExpression": "part = :none",
        "ExpressionAttributeValues": {":none": {"S": "none"}},
    }

    assert not denied(api.get_item, TableName=table, Key=key)
    assert not denied(api.query, TableName=table, **best)
    assert denied(api.put_item, TableName=table, Item=key)
    assert denied(api.delete_item, TableName=table, Key=key)
    assert not denied(finder("dynamodb").delete_item, TableName=table, Key=key)
    event = {"Source": "x", "DetailType": "x", "Detail": "{}", "EventBusName": stack["bus_name"]}
    assert denied(finder("events").put_events, Entries=[event])


def test_scoring_finds_buyers_by_their_index_and_reads_no_history(
    stack: dict[str, Any], as_role: Callable[[str], Clients]
) -> None:
    dynamodb = as_role("ScoreRfv")("dynamodb")
    table = stack["table_names"]["timeline"]

    assert not denied(
        dynamodb.query,
        TableName=table,
        IndexName="buyers",
        KeyConditionExpression="buyer = :shard",
        ExpressionAttributeValues={":shard": {"S": "0"}},
    )
    assert denied(
        dynamodb.query,
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "nobody"}},
    )
    assert denied(dynamodb.put_item, TableName=table, Item={**KEY, "sk": {"S": "totals"}})
    assert denied(dynamodb.scan, TableName=stack["table_names"]["identity"])


def test_text_messages_go_to_phones_and_not_to_topics(
    stack: dict[str, Any], as_role: Callable[[str], Clients]
) -> None:
    sns = as_role("SendSms")("sns")

    assert not denied(sns.publish, PhoneNumber="+5511900000000", Message="x")
    assert denied(sns.publish, TopicArn=stack["mail"]["topic_arn"], Message="x")


def test_asking_for_messages_takes_nothing_away_and_sends_nothing(
    stack: dict[str, Any], resources: dict[str, str], as_role: Callable[[str], Clients]
) -> None:
    clients, tables = as_role("ApiMessages"), stack["table_names"]
    dynamodb, place = clients("dynamodb"), {**KEY, "sk": {"S": "none"}}

    assert not denied(dynamodb.get_item, TableName=tables["delivery"], Key=KEY)
    for name, key in (("delivery", KEY), ("identity", KEY), ("timeline", place)):
        assert denied(dynamodb.delete_item, TableName=tables[name], Key=key)
    # Consent is asked where it is decided, and immediately before sending.
    assert denied(dynamodb.get_item, TableName=tables["consent"], Key=place)
    assert denied(dynamodb.put_item, TableName=tables["consent"], Item=place)
    assert denied(clients("sns").publish, PhoneNumber="+5511900000000", Message="x")
    assert denied(clients("sesv2").send_email, **MAIL)
    bucket = resources["AttachmentsBucket"]
    assert denied(clients("s3").get_object, Bucket=bucket, Key="attachments/x/0")
    assert denied(clients("s3").delete_object, Bucket=bucket, Key="attachments/x/0")
    assert denied(clients("secretsmanager").get_secret_value, SecretId=resources["LinkSecret"])


def test_dispatch_decides_and_sends_nothing(
    stack: dict[str, Any], resources: dict[str, str], as_role: Callable[[str], Clients]
) -> None:
    clients, tables = as_role("DispatchMessage"), stack["table_names"]
    dynamodb, place = clients("dynamodb"), {**KEY, "sk": {"S": "none"}}

    assert not denied(dynamodb.get_item, TableName=tables["consent"], Key=place)
    assert denied(dynamodb.put_item, TableName=tables["consent"], Item=place)
    assert denied(dynamodb.delete_item, TableName=tables["delivery"], Key=KEY)
    assert denied(dynamodb.put_item, TableName=tables["identity"], Item=KEY)
    assert denied(clients("sns").publish, PhoneNumber="+5511900000000", Message="x")
    assert denied(clients("sesv2").send_email, **MAIL)
    assert denied(clients("secretsmanager").get_secret_value, SecretId=resources["LinkSecret"])
    assert denied(clients("scheduler").delete_schedule, Name="none", GroupName="default")


def test_the_api_for_interactions_reads_nothing(
    stack: dict[str, Any], as_role: Callable[[str], Clients]
) -> None:
    clients = as_role("ApiInteractions")

    assert denied(clients("dynamodb").get_item, TableName=stack["table_names"]["identity"], Key=KEY)
    assert denied(clients("sqs").receive_message, QueueUrl=stack["queue_urls"]["interactions"])
