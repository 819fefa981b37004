"""Lets containers reach what listens on loopback only.

The laptop stack binds to 127.0.0.1, so that nobody on the network reaches it; a container has a
loopback interface of its own. So while `sam local` runs, the bridge between the machine and its
containers, which nobody else is on, gets the same ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

from local.settings import LocalError

CHUNK_BYTES = 65536
START_SECONDS = 10.0


@contextlib.contextmanager
def forwarded(address: str, ports: Iterable[int]) -> Iterator[None]:
    """Forward connections from ports of ``address`` to the same ports of 127.0.0.1.

    Parameters
    ----------
    address
        Address of this machine to listen on.
    ports
        TCP ports.

    Raises
    ------
    LocalError
        When a port is taken on that address, or the machine does not have the address.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="forward", daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(START_SECONDS)

    servers: list[asyncio.Server] = []
    try:
        for port in sorted(set(ports)):
            try:
                servers.append(run(_listen(address, port)))
            except OSError as error:
                raise LocalError(
                    f"cannot listen on {address}:{port} for the containers "
                    f"({error.strerror}): end what listens there"
                ) from error
        yield
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        run(_end_connections())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)
        loop.close()


async def _listen(address: str, port: int) -> asyncio.Server:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, here = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()  # as a closed port would: the client sees the connection end
            return
        await asyncio.gather(_pump(reader, here), _pump(there, writer))

    return await asyncio.start_server(connect, address, port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its end, and pass the end on."""
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # either side went away, which ends this direction too
    finally:
        writer.close()


async def _end_connections() -> None:
    """Cancel what still copies, so that the loop closes without open sockets."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
