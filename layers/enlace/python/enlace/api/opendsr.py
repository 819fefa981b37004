"""OpenDSR over HTTP: nothing of a body is read before its signature holds.

The specification leaves open how a controller proves itself. Here they sign by Standard
Webhooks, like every system that sends us something, and name themselves in
``x-opendsr-controller-id``. What has no body is signed over method and path instead, so that
one signed look at a request cannot be turned into its cancellation. Answers and callbacks
carry ``X-OpenDSR-Signature``: base64 of our ECDSA P-256 signature over SHA-256 of the body,
with the key that also signs certificates.

Source: OpenDSR specification, sections 6 to 9 (checked 2026-11-23).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from enlace.channels import generic
from enlace.channels.base import load_json
from enlace.domain.http import Request
from enlace.domain.opendsr import API_VERSION, IDENTITIES, TYPES, dsr_id, parse_dsr
from enlace.errors import (
    EnlaceError,
    InvalidInteraction,
    InvalidPayload,
    InvalidSignature,
    Misconfigured,
    NotFound,
    PayloadTooLarge,
)
from enlace.usecases.opendsr import Controller, OpenDsr
from enlace.usecases.request_ends import WrongState

PATH = "/v1/opendsr/requests"
#: A request about one identity; its answer repeats it, and KMS signs 4,096 bytes.
MAX_BODY_BYTES = 2048

Sign = Callable[[bytes], Mapping[str, str]]
Answer = tuple[int, dict[str, Any]]


class OpenDsrApi:
    """The routes.

    Parameters
    ----------
    dsr : callable
        Gives the use case; asked once a signature holds.
    secret : callable
        ``{"controllers": {id: {"secret": "whsec_…", "verifies": bool, "callback_hosts": []}}}``.
    sign : callable
        See :class:`enlace.aws.kms_keys.Signer`.
    domain : str
        Ours, as processor.
    """

    def __init__(
        self,
        dsr: Callable[[], OpenDsr],
        secret: Callable[[], Mapping[str, Any]],
        sign: Sign,
        *,
        domain: str,
    ):
        self._dsr = dsr
        self._secret = secret
        self._sign = sign
        self._domain = domain

    def handle(self, route: str, request: Request) -> tuple[int, str, dict[str, str]]:
        """Answer a request: status, body, headers."""
        try:
            status, body = self._answer(route, request)
        except EnlaceError as error:
            status, body = _problem(error)
        text = json.dumps(body)
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        if status < 300:
            headers |= signed_headers(text.encode(), self._sign, self._domain)
        return status, text, headers

    def _answer(self, route: str, request: Request) -> Answer:
        if route == "GET /v1/opendsr/discovery":
            return 200, self._discovery()
        if len(request.body) > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"the body is over {MAX_BODY_BYTES} bytes")
        controller = self._verified(request)
        if route == f"POST {PATH}":
            wanted = parse_dsr(load_json(request.body), controller.callback_hosts)
            status = self._dsr().take(controller, wanted)
            return 201, {**status, "encoded_request": base64.b64encode(request.body).decode()}
        id_ = dsr_id(request.path_parameters.get("id", ""))
        if route == f"GET {PATH}/{{id}}":
            return 200, self._dsr().status(controller, id_)
        if route == f"DELETE {PATH}/{{id}}":
            return 202, self._dsr().cancel(controller, id_)
        raise NotFound("no such route")

    def _verified(self, request: Request) -> Controller:
        id_ = request.headers.get("x-opendsr-controller-id", "")
        known = self._secret().get("controllers")
        own = known.get(id_) if isinstance(known, dict) else None
        if not isinstance(own, dict):
            raise InvalidSignature("x-opendsr-controller-id is not one that is known")
        said = request.body or f"{request.method} {request.path}".encode()
        generic.verify(replace(request, body=said), {"secret": own.get("secret")})
        hosts = own.get("callback_hosts", [])
        return Controller(id_, own.get("verifies") is True, frozenset(map(str, hosts)))

    def _discovery(self) -> dict[str, Any]:
        signature = self._sign(self._domain.encode())
        return {
            "api_version": API_VERSION,
            "supported_identities": [
                {"identity_type": type_, "identity_format": "raw"} for type_ in IDENTITIES
            ],
            "supported_subject_request_types": list(TYPES),
            # The key is KMS's own, and has no certificate of X.509; this is what checks it.
            "processor_certificate": None,
            "extensions": {
                self._domain: {
                    "algorithm": signature["algorithm"],
                    "public_key": signature["public_key"],
                }
            },
        }


def signed_headers(body: bytes, sign: Sign, domain: str) -> dict[str, str]:
    """What tells a controller that an answer or a callback is ours."""
    return {
        "x-opendsr-processor-domain": domain,
        "x-opendsr-signature": sign(body)["value"],
    }


_STATUS: tuple[tuple[type[EnlaceError], int], ...] = (
    (InvalidSignature, 401),
    (InvalidPayload, 400),
    (InvalidInteraction, 400),
    (WrongState, 400),
    (NotFound, 404),
    (PayloadTooLarge, 413),
)


def _problem(error: EnlaceError) -> Answer:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    # What is wrong on our side is ours to know.
    message = str(error) if status < 500 else "try again later"
    if isinstance(error, Misconfigured):
        status, message = 503, "not set up"
    return status, {"error": {"code": status, "message": message}}
