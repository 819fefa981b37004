"""Message templates of a company in a bucket.

``templates/<name>/<version>/<language>.txt`` and ``…/template.json`` (what is known of the
version) are written once and never changed; ``templates/<name>/active.json`` says which
version is in force, and changes only if it still is what whoever changes it has read
(Amazon S3 user guide, "Conditional requests").

Whoever reads needs ``s3:ListBucket`` beside ``s3:GetObject``: without it S3 answers 403
where there is nothing, which cannot be told from a role that lacks the right to read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.domain.template_version import TemplateVersion, from_dict
from enlace.errors import Conflict, InvalidPayload, TemporaryFailure

_PREFIX = "templates/"
_ABSENT = frozenset(("NoSuchKey", "404", "NotFound"))
_CHANGED = frozenset(("PreconditionFailed", "412", "ConditionalRequestConflict"))


class S3Templates:
    """Implements :class:`enlace.usecases.edit_templates.EditableStore`.

    Parameters
    ----------
    client : callable
        Gives a botocore S3 client; called when one is first needed, since a sender of
        messages whose templates ship needs none.
    bucket : str
    """

    def __init__(self, client: Callable[[], Any], bucket: str):
        self._make_client = client
        self._made: Any = None
        self._bucket = bucket

    def active(self, name: str) -> str:
        """See :class:`enlace.usecases.message_templates.TemplateStore`."""
        return self.read_active(name)[0]

    def describe(self, name: str, version: str) -> TemplateVersion | None:
        """See there."""
        found = self._get(f"{name}/{version}/template.json")
        if found is None:
            return None
        try:
            return from_dict(json.loads(found[0]))
        except (ValueError, InvalidPayload):
            raise TemporaryFailure(f"template {name}: what S3 has cannot be read") from None

    def source(self, name: str, version: str, language: str) -> str | None:
        """See there."""
        found = self._get(f"{name}/{version}/{language}.txt")
        return found[0] if found else None

    def read_active(self, name: str) -> tuple[str, str]:
        """The version in force, and the mark that :meth:`activate` asks for; "" for none."""
        found = self._get(f"{name}/active.json")
        if found is None:
            return "", ""
        try:
            return str(json.loads(found[0])["version"]), found[1]
        except (ValueError, KeyError, TypeError):
            raise TemporaryFailure(f"template {name}: what S3 has cannot be read") from None

    def names(self) -> list[str]:
        """Names of all templates."""
        return self._below("")

    def versions(self, name: str) -> list[str]:
        """All versions of one, in no order."""
        return self._below(f"{name}/")

    def save(self, version: TemplateVersion, texts: Mapping[str, str]) -> None:
        """Keep a version; its description last, so that where that is, all is."""
        below = f"{version.name}/{version.version}/"
        files = {f"{language}.txt": text for language, text in texts.items()}
        files["template.json"] = json.dumps(version.to_dict(), ensure_ascii=False)
        for name, text in files.items():
            try:
                self._put(below + name, text, IfNoneMatch="*")
            except Conflict:
                # A version is named after its content, so this is the same.
                continue

    def activate(
        self, name: str, version: str, mark: str, details: Mapping[str, str] | None = None
    ) -> None:
        """Put a version in force.

        Parameters
        ----------
        mark : str
            Of what :meth:`read_active` gave.

        Raises
        ------
        Conflict
            If another version came into force since.
        TemporaryFailure
            If S3 does not answer.
        """
        guard = {"IfMatch": mark} if mark else {"IfNoneMatch": "*"}
        body = json.dumps({"version": version, **(details or {})})
        self._put(f"{name}/active.json", body, **guard)

    def _below(self, prefix: str) -> list[str]:
        found: list[str] = []
        more: dict[str, str] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=_PREFIX + prefix, Delimiter="/", **more)
            folders = [folder["Prefix"] for folder in answer.get("CommonPrefixes", ())]
            found += [folder.removeprefix(_PREFIX + prefix).rstrip("/") for folder in folders]
            if not answer.get("NextContinuationToken"):
                return found
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _get(self, key: str) -> tuple[str, str] | None:
        try:
            answer = self._call("get_object", Key=_PREFIX + key)
            text = answer["Body"].read().decode("utf-8")
        except _Absent:
            return None
        except BotoCoreError as error:
            raise TemporaryFailure(f"S3: {type(error).__name__}") from error
        except UnicodeDecodeError:
            raise TemporaryFailure("a template in S3 is not text in UTF-8") from None
        return text, answer["ETag"]

    def _put(self, key: str, text: str, **guard: str) -> None:
        kind = "application/json" if key.endswith(".json") else "text/plain; charset=utf-8"
        self._call("put_object", Key=_PREFIX + key, Body=text.encode(), ContentType=kind, **guard)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        if self._made is None:
            self._made = self._make_client()
        try:
            answer: dict[str, Any] = getattr(self._made, operation)(
                Bucket=self._bucket, **arguments
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code in _CHANGED or (code in _ABSENT and "IfMatch" in arguments):
                raise Conflict("another version came into force meanwhile") from error
            if code in _ABSENT:
                raise _Absent from error
            raise TemporaryFailure(f"S3: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"S3: {type(error).__name__}") from error
        return answer


class _Absent(Exception):
    """There is no such object."""
