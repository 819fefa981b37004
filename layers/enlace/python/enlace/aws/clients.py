"""botocore clients with bounded waiting. Not boto3, whose import alone is half a budget."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

#: Every network call has a timeout and every retry a bound; standard mode adds jitter.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
)


def client(service: str) -> Any:
    """A client of ``service``, for the region and credentials of the environment."""
    return session().create_client(service, config=_CONFIG)


@cache
def session() -> Any:
    """The one session: each further one reads the same partition data and credentials again."""
    return botocore.session.get_session()
