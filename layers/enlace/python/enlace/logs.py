"""A JSON logger of the standard library for functions that count every import.

Fields are ids, counts and reasons; personal data has no place here.
"""

from __future__ import annotations

import json
import sys
from typing import TextIO

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logger:
    """Writes one JSON object a line.

    Parameters
    ----------
    service : str
        The function's name.
    level : str
        The least level that is written; unknown names mean ``info``.
    stream : text file
        Lambda sends standard output to CloudWatch Logs.
    """

    def __init__(self, service: str, level: str = "info", stream: TextIO | None = None):
        self._service = service
        self._threshold = LEVELS.get(level.lower(), LEVELS["info"])
        self._stream = stream
        self.request_id: str | None = None

    def __call__(self, level: str, message: str, **fields: str | int | float | None) -> None:
        """Log ``message`` with ``fields`` at ``level`` (one of :data:`LEVELS`)."""
        if LEVELS[level] < self._threshold:
            return
        line = {
            "level": level.upper(),
            "message": message,
            "service": self._service,
            "function_request_id": self.request_id,
            **fields,
        }
        # The stream is looked up late, so that tests and Lambda may replace it.
        print(json.dumps(line), file=self._stream or sys.stdout, flush=True)
