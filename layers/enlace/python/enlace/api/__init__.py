"""The HTTP API under ``/v1``: callers and roles, routes, problems, its OpenAPI document."""
