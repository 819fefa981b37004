"""botocore clients with bounded waiting. Not boto3, whose import alone is half a budget."""

from __future__ import annotations

import os
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
#: A throttled table is asked again after 50, 100, 200 ms and so on. Standard mode waits up to 1, 2,
#: 4 s: with every third call throttled, a batch of ten did not get done in its function's 30 s, and
#: three attempts gave one event in four back to the queue for minutes.
_DYNAMODB = _CONFIG.merge(Config(retries={"mode": "legacy", "total_max_attempts": 8}))
#: Else links to objects are signed the old way, and name a host that sends callers on to the
#: region's own, for which the signature does not hold.
_S3 = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
#: An emulator has one host for all buckets.
_LOCAL_S3 = _S3.merge(Config(s3={"addressing_style": "path"}))


def client(service: str) -> Any:
    """A client of ``service``, for the region and credentials of the environment.

    Where the environment names a table of subjects' keys, DynamoDB's seals timelines
    (:mod:`enlace.aws.sealed_timelines`): so nobody who reads or writes them can forget to.
    """
    s3 = _LOCAL_S3 if os.environ.get("AWS_ENDPOINT_URL") else _S3
    config = {"dynamodb": _DYNAMODB, "s3": s3}.get(service, _CONFIG)
    made = session().create_client(service, config=config)
    if service == "dynamodb" and os.environ.get("SUBJECT_KEY_TABLE"):
        # Ciphers are a layer of their own, there where they are wanted.
        from enlace.aws.sealed_timelines import sealed

        return sealed(made, os.environ, lambda: client("kms"))
    return made


@cache
def session() -> Any:
    """The one session: each further one reads the same partition data and credentials again."""
    return botocore.session.get_session()
