"""What botocore and moto work out anew for every client and every call, worked out once a process.

All of it depends on files that come with them and on names alone; without it, half of what a test
on moto takes is reading the same descriptions of services.
"""

from __future__ import annotations

import functools
from typing import Any

import botocore.hooks
import botocore.session
import botocore.useragent
import jsonpath_ng.ext
import moto.core.responses
import moto.core.serialize
import moto.sqs.models
from moto.dynamodb.models.dynamo_type import DynamoType


def share() -> None:
    """Keep what was worked out, from now on."""
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    paths: Any = jsonpath_ng.ext
    paths.parse = functools.cache(paths.parse)
    for module in (moto.core.responses, moto.core.serialize, moto.sqs.models):
        for name in ("camelcase_to_underscores", "xform_name", "method_names_from_class"):
            if hasattr(module, name):
                setattr(module, name, functools.cache(getattr(module, name)))
    useragent = botocore.useragent
    clean = useragent.sanitize_user_agent_string_component
    useragent.sanitize_user_agent_string_component = functools.cache(clean)

    aliaser: Any = botocore.hooks.EventAliaser
    aliased = aliaser._alias_event_name
    names: dict[str, str] = {}

    def alias(self: Any, event_name: str) -> str:
        # The aliases are the same for all of them.
        if event_name not in names:
            names[event_name] = aliased(self, event_name)
        return names[event_name]

    aliaser._alias_event_name = alias

    value: Any = DynamoType.cast_value
    cast = value.fget
    # Tables are sorted by it at each query.
    kind: Any = DynamoType
    kind.cast_value = property(lambda v: v.value if v.type == "S" else cast(v))
