"""The letter that a request was received: its number, and by when it is answered.

It goes out once the request is verified, and not with the code: that one goes to an address
which has shown nothing, may be sent again and again, and says nothing but the code; and of what
an officer verified there may be none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enlace.domain.privacy_request import day_text
from enlace.errors import EnlaceError, NotFound
from enlace.usecases.request_codes import Post
from enlace.usecases.request_rows import RequestRows

RECEIVED = "dsr_received"
#: What a request says of its letter: "" for one that gets none.
OWED, SENDING, SENT, UNREACHABLE = "owed", "sending", "sent", "unreachable"


class RequestReceipts:
    """The use case: once for each request.

    Parameters
    ----------
    requests : RequestRows
    post : Post
    """

    def __init__(self, requests: RequestRows, post: Post):
        self._requests = requests
        self._post = post

    def send(self, request_id: str) -> None:
        """Send the letter, if it is owed.

        It is claimed first: of two calls at once one sends it, and one that was cut off while
        it did counts as sent.

        Raises
        ------
        NotFound
            If there is no such request.
        TemporaryFailure
            If it was certainly not taken; it is owed then as before.
        """
        try:
            to = self._requests.identifier(request_id)
        except NotFound:
            # It is over, and nobody knows any more whose it was.
            return
        if not self._moved(request_id, OWED, SENDING):
            return
        body = self._requests.known(request_id).body
        data = {
            "request_id": request_id,
            "deadline": day_text(body["deadline"], body["language"]),
        }
        try:
            sent = self._post(to, RECEIVED, body["language"], data)
        except EnlaceError:
            self._moved(request_id, SENDING, OWED)
            raise
        self._moved(request_id, SENDING, SENT if sent else UNREACHABLE)

    def _moved(self, request_id: str, before: str, after: str) -> bool:
        did = False

        def change(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
            nonlocal did
            # Requests from before there were letters have none.
            did = body.get("receipt", "") == before
            return {**body, "receipt": after} if did else None

        self._requests.change(request_id, change)
        return did
