"""What the adapters to AWS's providers are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Calls one operation of an AWS provider with its parameters; raises the provider
#: errors of :mod:`enlace.errors`. :class:`enlace.aws.provider_calls.ProviderCalls`
#: is one.
ProviderCall = Callable[..., dict[str, Any]]
