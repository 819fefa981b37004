"""HTTP API routes that the emulator leaves out.

CloudFormation imports the OpenAPI body of an HTTP API; the emulator ignores it. So the routes are
created from that body, as the deployment's processed template has it, through the API itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_FUNCTION = re.compile(r"\$\{(\w+)\.Arn\}")
_METHODS = {"get", "post", "put", "patch", "delete"}


def routes_of(processed: Mapping[str, Any]) -> dict[str, str]:
    """Routes of the HTTP API in a processed template.

    Parameters
    ----------
    processed
        Template after SAM's transform.

    Returns
    -------
    dict
        Route key such as ``POST /v1/interactions`` to the logical id of its function.
    """
    found: dict[str, str] = {}
    for resource in processed["Resources"].values():
        if resource["Type"] != "AWS::ApiGatewayV2::Api":
            continue
        for path, operations in resource["Properties"]["Body"]["paths"].items():
            for method, operation in operations.items():
                if method not in _METHODS:
                    continue
                integration = json.dumps(operation["x-amazon-apigateway-integration"])
                match = _FUNCTION.search(integration)
                if match is None:
                    raise ValueError(f"no function behind {method.upper()} {path}")
                found[f"{method.upper()} {path}"] = match.group(1)
    return found


def import_routes(gateway: Any, api_id: str, wanted: Mapping[str, str]) -> None:
    """Make the routes of the API ``api_id`` those of ``wanted``.

    Parameters
    ----------
    gateway
        Client of API Gateway v2.
    api_id
        The HTTP API.
    wanted
        Route key to the ARN of its function.
    """
    existing = {
        item["RouteKey"]: item
        for item in gateway.get_routes(ApiId=api_id, MaxResults="500")["Items"]
    }
    integrations = {
        item["IntegrationUri"]: item["IntegrationId"]
        for item in gateway.get_integrations(ApiId=api_id, MaxResults="500")["Items"]
    }
    for key, arn in wanted.items():
        if arn not in integrations:
            integrations[arn] = gateway.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationUri=arn,
                PayloadFormatVersion="2.0",
            )["IntegrationId"]
        target = f"integrations/{integrations[arn]}"
        if key not in existing:
            gateway.create_route(ApiId=api_id, RouteKey=key, Target=target)
        elif existing[key].get("Target") != target:
            gateway.update_route(ApiId=api_id, RouteId=existing[key]["RouteId"], Target=target)
    for key, item in existing.items():
        if key not in wanted:
            gateway.delete_route(ApiId=api_id, RouteId=item["RouteId"])
