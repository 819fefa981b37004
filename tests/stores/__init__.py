"""One suite for every store: see :mod:`tests.stores.suite`."""
