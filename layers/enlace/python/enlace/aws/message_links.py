"""The links in messages: where their recipients can say no, or yes."""

from __future__ import annotations

from collections.abc import Mapping

from enlace.aws.clients import client
from enlace.aws.link_keys import link_tokens
from enlace.aws.secrets import CachedSecret
from enlace.domain.link_tokens import Link, LinkTokens
from enlace.domain.outgoing import Links
from enlace.usecases.send_command import Command


class MessageLinks:
    """Makes the links of a message; see :class:`enlace.usecases.sender_ports.LinksOf`.

    Parameters
    ----------
    secret : CachedSecret
        Of the tokens.
    base : str
        ``https://…`` of the pages, without a slash at its end.
    """

    def __init__(self, secret: CachedSecret, base: str):
        self._secret = secret
        self._base = base
        self._tokens: LinkTokens | None = None

    def __call__(self, command: Command) -> Links:
        """The links of a message."""
        return Links(
            self._url("unsubscribe", "unsubscribe", command),
            self._url("preferences", "preferences", command),
        )

    def confirm(self, command: Command) -> str:
        """The page on which a double opt-in is confirmed."""
        return self._url("preferences", "confirm", command)

    def _url(self, path: str, action: str, command: Command) -> str:
        if self._tokens is None:
            self._tokens = link_tokens(self._secret)
        confirmed = command.data if action == "confirm" else {}
        token = self._tokens.mint(
            Link(
                action,
                command.kind,
                command.key,
                purpose=str(confirmed.get("purpose") or command.purpose),
                channel=command.channel,
                message_id=command.message_id,
                language=command.language,
            )
        )
        return f"{self._base}/{path}/{token}"


def message_links(environ: Mapping[str, str]) -> MessageLinks | None:
    """The links as the environment has them; None where it names no page or no secret."""
    secret_id, base = environ.get("LINK_SECRET_ID", ""), environ.get("PUBLIC_URL", "")
    if not secret_id or not base:
        return None
    secret = CachedSecret(lambda: client("secretsmanager"), secret_id)
    return MessageLinks(secret, base.rstrip("/"))
