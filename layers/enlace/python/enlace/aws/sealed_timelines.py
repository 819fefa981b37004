"""A DynamoDB client that seals the interactions of the timeline table.

Everybody who reads or writes timelines does it through a client, so it is done here, once:
what is written is sealed under the key of its contact point, what is read is opened, and
nobody else knows. Keys, order and the aggregates beside them stay in clear; what people
said and who else was named, the body, is sealed (AES-256-GCM, bound to the item's key).

An item whose key was shredded, as a restored backup has them, is not there for anybody,
but for whoever has to delete it: there its body is empty.

Source: AWS Database Encryption SDK developer guide, which wraps a client likewise
(docs/adr/0008-subject-keys.md tells why not it).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag

from enlace.aws.dynamodb import Item
from enlace.aws.master_key import MAX_AGE_SECONDS
from enlace.aws.subject_keys import ID_BYTES, NONCE_BYTES, SubjectKeys

#: What a body is to those who delete it, where it can be opened no more.
UNREADABLE = "{}"


def sealed(client: Any, environ: Mapping[str, str], make_kms: Callable[[], Any]) -> SealedTimelines:
    """A client by a function's environment.

    Parameters
    ----------
    environ : mapping
        ``TIMELINE_TABLE``, ``SUBJECT_KEY_TABLE`` and ``SUBJECT_KEY_ID`` (of KMS);
        ``SUBJECT_KEY_SECONDS`` for which a key is remembered; ``UNREADABLE`` is ``shown``
        where the function deletes what cannot be opened any more.
    """
    return SealedTimelines(
        client,
        environ.get("TIMELINE_TABLE", ""),
        keys_of(client, environ, make_kms),
        shows_unreadable=environ.get("UNREADABLE") == "shown",
    )


def keys_of(client: Any, environ: Mapping[str, str], make_kms: Callable[[], Any]) -> SubjectKeys:
    """The keys by a function's environment; see :func:`sealed`."""
    return SubjectKeys(
        client,
        environ["SUBJECT_KEY_TABLE"],
        make_kms,
        environ["SUBJECT_KEY_ID"],
        max_age_seconds=float(environ.get("SUBJECT_KEY_SECONDS") or MAX_AGE_SECONDS),
    )


class SealedTimelines:
    """Everything else goes through as it is.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        The timeline table.
    keys : SubjectKeys
    shows_unreadable : bool
    """

    def __init__(self, client: Any, table: str, keys: SubjectKeys, *, shows_unreadable: bool):
        self._client = client
        self._table = table
        self._keys = keys
        self._shows_unreadable = shows_unreadable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **arguments: Any) -> Any:
        """As the client's."""
        return self._client.put_item(**self._put(arguments))

    def transact_write_items(self, **arguments: Any) -> Any:
        """As the client's."""
        writes = [
            {"Put": self._put(write["Put"])} if "Put" in write else write
            for write in arguments["TransactItems"]
        ]
        return self._client.transact_write_items(**{**arguments, "TransactItems": writes})

    def batch_write_item(self, **arguments: Any) -> Any:
        """As the client's; what stays undone comes back as it was given."""
        requests = arguments["RequestItems"]
        if self._table not in requests:
            return self._client.batch_write_item(**arguments)
        own = [
            {"PutRequest": {"Item": self._seal(request["PutRequest"]["Item"])}}
            if "PutRequest" in request
            else request
            for request in requests[self._table]
        ]
        answer = self._client.batch_write_item(
            **{**arguments, "RequestItems": {**requests, self._table: own}}
        )
        left = answer.get("UnprocessedItems", {}).get(self._table)
        if left:
            # By key, for the service may give them back in another order.
            given = {_key(request): request for request in requests[self._table]}
            answer["UnprocessedItems"][self._table] = [given[_key(request)] for request in left]
        return answer

    def get_item(self, **arguments: Any) -> Any:
        """As the client's."""
        answer = self._client.get_item(**arguments)
        if arguments["TableName"] == self._table and "Item" in answer:
            for item in self._opened([answer.pop("Item")]):
                answer["Item"] = item
        return answer

    def query(self, **arguments: Any) -> Any:
        """As the client's."""
        answer = self._client.query(**arguments)
        if arguments["TableName"] == self._table and answer.get("Items"):
            answer["Items"] = list(self._opened(answer["Items"]))
        return answer

    def scan(self, **arguments: Any) -> Any:
        """As the client's."""
        answer = self._client.scan(**arguments)
        if arguments["TableName"] == self._table and answer.get("Items"):
            answer["Items"] = list(self._opened(answer["Items"]))
        return answer

    def batch_get_item(self, **arguments: Any) -> Any:
        """As the client's."""
        answer = self._client.batch_get_item(**arguments)
        if found := answer.get("Responses", {}).get(self._table):
            answer["Responses"][self._table] = list(self._opened(found))
        return answer

    def _put(self, put: dict[str, Any]) -> dict[str, Any]:
        if put["TableName"] != self._table:
            return put
        return {**put, "Item": self._seal(put["Item"])}

    def _seal(self, item: Item) -> Item:
        # Times begin with a digit: the small items beside interactions have letters.
        if "body" not in item or not item["sk"]["S"][:1].isdigit():
            return item
        id_, key = self._keys.current(item["pk"]["S"])
        nonce = os.urandom(NONCE_BYTES)
        text = item["body"]["S"].encode()
        return {**item, "body": {"B": id_ + nonce + key.encrypt(nonce, text, _bound_to(item))}}

    def _opened(self, items: Iterable[Item]) -> Iterable[Item]:
        for item in items:
            if "B" not in item.get("body", ()):
                yield item
                continue
            text = self._text(item)
            if text is not None:
                yield {**item, "body": {"S": text}}
            elif self._shows_unreadable:
                yield {**item, "body": {"S": UNREADABLE}}

    def _text(self, item: Item) -> str | None:
        blob = item["body"]["B"]
        start = ID_BYTES + NONCE_BYTES
        key = self._keys.find(item["pk"]["S"], blob[:ID_BYTES])
        if key is None:
            return None
        try:
            return key.decrypt(blob[ID_BYTES:start], blob[start:], _bound_to(item)).decode()
        except InvalidTag:
            # Copied from under another key: not what it says it is.
            return None


def _bound_to(item: Item) -> bytes:
    return f"{item['pk']['S']}\x1f{item['sk']['S']}".encode()


def _key(request: Mapping[str, Any]) -> Sequence[str]:
    item = (
        request["PutRequest"]["Item"]
        if "PutRequest" in request
        else request["DeleteRequest"]["Key"]
    )
    return item["pk"]["S"], item["sk"]["S"]
