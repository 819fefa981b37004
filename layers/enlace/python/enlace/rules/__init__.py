"""The rules files that ship with Enlace."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from enlace.domain.message_policy import MessagePolicy, parse_message_policy
from enlace.domain.privacy_request import PrivacyPolicy, parse_privacy_policy
from enlace.domain.retention_policy import RetentionPolicy, parse_retention_policy
from enlace.domain.rules import Rules, parse_rules


@lru_cache(maxsize=1)
def default_rules() -> Rules:
    """The rules of ``default.toml``."""
    return parse_rules(default_text())


def default_text() -> str:
    """The text of ``default.toml``."""
    return Path(__file__).with_name("default.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def message_policy() -> MessagePolicy:
    """What the company decided about messages: ``messages.toml``."""
    path = Path(__file__).with_name("messages.toml")
    return parse_message_policy(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def privacy_policy() -> PrivacyPolicy:
    """What data subjects are owed: ``privacy.toml``."""
    path = Path(__file__).with_name("privacy.toml")
    return parse_privacy_policy(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def retention_policy() -> RetentionPolicy:
    """How long what is stored stays: ``retention.toml``."""
    path = Path(__file__).with_name("retention.toml")
    return parse_retention_policy(path.read_text(encoding="utf-8"))


def load_rules(path: Path) -> Rules:
    """Rules from a file.

    Raises
    ------
    OSError
        If it cannot be read.
    InvalidRules
        If it cannot be used.
    """
    return parse_rules(path.read_text(encoding="utf-8"))
