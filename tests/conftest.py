"""Which tests may open sockets: only those of what listens on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_socket

TESTS = Path(__file__).parent
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
WITH_SOCKETS = {"aws", "e2e", "infra"}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Close the network for unit and contract tests; leave the others the loopback interface."""
    path = item.path.relative_to(TESTS) if item.path.is_relative_to(TESTS) else item.path
    if path.parts[0] in WITH_SOCKETS:
        pytest_socket.enable_socket()
        pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
