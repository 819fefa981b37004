"""``enlace certificate``: check certificates of erasures, offline."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from enlace.domain.certificate import BrokenChain, check_chain, hash_of
from local.settings import LocalError


def add_commands(commands: Any) -> None:
    """Add ``certificate verify``."""
    certificate = commands.add_parser("certificate", help="certificates of erasures: verify")
    certificate = certificate.add_subparsers(required=True, metavar="COMMAND")
    command = certificate.add_parser(
        "verify",
        help="check signatures and the chain, offline",
        description="Checks the signature of every certificate, that all are by one key, and that "
        "they follow each other. A certificate names the key that signed it; whose key that is, "
        "only --public-key can say: `aws kms get-public-key` gives it.",
    )
    command.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    command.add_argument(
        "--public-key", type=Path, metavar="KEY", help="PEM or DER: the key that must have signed"
    )
    command.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    certificates = [_read(path) for path in options.files]
    pinned = _key(options.public_key.read_bytes()) if options.public_key else None
    for path, one in zip(options.files, certificates, strict=True):
        try:
            check_signature(one, pinned)
        except ValueError as error:
            raise LocalError(f"{path.name}: {error}") from None
    keys = {one["signature"]["public_key"] for one in certificates}
    if len(keys) > 1:
        raise LocalError("the certificates are signed by different keys")
    try:
        check_chain(certificates)
    except BrokenChain as error:
        raise LocalError(f"the chain is broken: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise LocalError("a certificate lacks its number or the hash of the one before") from None
    for one in sorted(certificates, key=lambda body: int(body["number"])):
        print(
            f"{one['certificate_id']}: signature and chain hold; number {one['number']}, "
            f"{one['found']} found, {one['deleted']} deleted, {one['retained']} retained"
        )
    if pinned is None:
        fingerprint = hashlib.sha256(base64.b64decode(keys.pop())).hexdigest()
        print(
            f"by the key that they name themselves (SHA-256 {fingerprint[:32]}…): "
            "give --public-key to be sure whose it is"
        )
    return 0


def check_signature(
    certificate: Mapping[str, Any], pinned: ec.EllipticCurvePublicKey | None = None
) -> None:
    """Check that a certificate is as it was signed.

    Parameters
    ----------
    pinned : EllipticCurvePublicKey, optional
        The key that must have signed; else the one that the certificate names.

    Raises
    ------
    ValueError
        If it was altered, is not signed, or signed by another key.
    """
    signature = certificate.get("signature")
    if not isinstance(signature, dict) or signature.get("algorithm") != "ECDSA_SHA_256":
        raise ValueError("it has no signature that can be checked (ECDSA_SHA_256)")
    try:
        own = _key(base64.b64decode(signature["public_key"], validate=True))
        value = base64.b64decode(signature["value"], validate=True)
    except (KeyError, TypeError, ValueError, LocalError):
        raise ValueError("its signature cannot be read") from None
    if pinned is not None and own.public_numbers() != pinned.public_numbers():
        raise ValueError("it is signed by another key")
    try:
        own.verify(value, bytes.fromhex(hash_of(certificate)), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ValueError("it is not as it was signed") from None


def _key(data: bytes) -> ec.EllipticCurvePublicKey:
    load = serialization.load_pem_public_key
    if not data.lstrip().startswith(b"-----BEGIN"):
        load = serialization.load_der_public_key
    try:
        key = load(data)
    except (ValueError, UnsupportedAlgorithm):
        raise LocalError("the public key must be PEM or DER") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise LocalError("the public key must be one of an elliptic curve")
    return key


def _read(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_bytes())
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from error
    except ValueError:
        raise LocalError(f"{path} is not JSON") from None
    if not isinstance(body, dict):
        raise LocalError(f"{path} is not a certificate")
    # As the API answers it, or by itself.
    return (
        body.get("certificate", body) if isinstance(body.get("certificate", body), dict) else body
    )
