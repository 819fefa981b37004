"""One module per channel: what a vendor sends, turned into interactions.

A channel is a module with ``NAME``, ``MAX_BODY_BYTES`` (bytes),
``handshake(request, secret)``, ``verify(request, secret)``,
``parse(request, secret)`` and, where the vendor wants a certain answer,
``reply(request, accepted, rejected)``. Standard library only.
"""
