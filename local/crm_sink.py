"""A CRM to send to: an HTTP server on loopback that takes HubSpot-like calls and shows them.

Contacts are created, updated and searched, engagements noted and contacts merged, in memory. What
was received is at ``GET /_sink/contacts``, ``/_sink/engagements``, ``/_sink/merges`` and
``/_sink/requests``; the rest of ``/_sink`` is :mod:`local.sink`'s.

Paths and bodies follow HubSpot's CRM objects API, version 3, and its associations API, version 4.
As there, a merge makes a new contact under which both former ids are found, notes go along, and the
properties that the project adds must be created first.
"""

from __future__ import annotations

import argparse

from local.crm_store import Store
from local.sink import Handler, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="CRM sink of the laptop stack")
    parser.add_argument("--port", type=int, required=True)
    serve(parser.parse_args().port, Handler, Store())
