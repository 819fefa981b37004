"""Pydantic models of what travels on the queue, on the bus and over the HTTP API.

They are the source of ``events/contracts/`` and ``docs/events.md``. Functions on
the hot path read and write the same contracts with :mod:`enlace.domain`; the
contract tests hold both against each other.
"""
