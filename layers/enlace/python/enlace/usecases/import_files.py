"""Work files of registries off, some lines at a time: what was dropped is entered, then deleted.

A file's row says up to which byte it has been read; whoever comes after a crash goes on there.
What is read twice is entered once, and counts as known the second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from enlace.domain.interaction import epoch_text
from enlace.domain.registry_file import Columns, columns_of
from enlace.errors import Conflict, InvalidPayload
from enlace.usecases.import_registry import NAO_ME_PERTURBE, ImportRegistry
from enlace.usecases.job_rows import JobRows
from enlace.usecases.rows import Row, Rows

JOB = "import_registry"
READING, DONE, REFUSED = "reading", "done", "refused"
#: Bytes between two looks at the time: a thousand lines or so.
CHUNK_BYTES = 16 * 1024
#: So many lines that are not valid are told one by one.
MOST_ERRORS = 200


class File(NamedTuple):
    """A file that was dropped.

    Parameters
    ----------
    name : str
        ``<registry>/<any name>``.
    version : str
        Of its contents.
    size : int
        Bytes.
    """

    name: str
    version: str
    size: int


class Files(Protocol):
    """Where files are dropped. Every method raises ``TemporaryFailure``."""

    def dropped(self) -> Sequence[File]:
        """Those that lie there."""

    def read(self, file: File, start: int, size: int) -> bytes:
        """Some bytes of one."""

    def delete(self, file: File) -> None:
        """Delete one; it may be gone already."""


class ImportFiles:
    """The use case.

    Parameters
    ----------
    rows : Rows
    files : Files
    importer : callable
        Gives the import of a registry by its name; raises ``InvalidPayload`` where that is none.
    clock : callable
        Seconds since the epoch.
    chunk : int
        Bytes read at once.

    Attributes
    ----------
    counts : Counter
        For metrics: ``added``, ``known``, ``invalid``, ``files``, ``refused``.
    """

    def __init__(
        self,
        rows: Rows,
        files: Files,
        importer: Callable[[str], ImportRegistry],
        *,
        clock: Callable[[], float],
        chunk: int = CHUNK_BYTES,
    ):
        self._jobs = JobRows(rows, JOB, clock)
        self._files = files
        self._importer = importer
        self._clock = clock
        self._chunk = chunk
        self.counts: Counter[str] = Counter()

    def run(self, time_left: Callable[[], bool]) -> bool:
        """Go on with every file, while there is time.

        Returns
        -------
        bool
            Whether nothing is left to do now.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part; the next run goes on.
        """
        known, done = self._jobs.all(), True
        for file in self._files.dropped():
            part = f"{file.name}#{file.version}"
            try:
                done &= self._file(file, known.get(part) or self._jobs.new(part), time_left)
            except Conflict:
                # Somebody took it over when the lease had ended.
                continue
        return done

    def _file(self, file: File, row: Row, time_left: Callable[[], bool]) -> bool:
        if self._jobs.leased(row):
            return True
        body = row.body or self._begun(file)
        if body["phase"] == READING:
            row = self._jobs.save(row, body)
        while row.body["phase"] == READING:
            if not time_left():
                self._jobs.save(row, row.body, lease=False)
                return False
            after = self._step(file, row.body)
            row = self._jobs.save(row, after, lease=after["phase"] == READING)
        if row.body["phase"] == DONE:
            # Numbers of strangers, which nobody needs in clear any more.
            self._files.delete(file)
        return True

    def _begun(self, file: File) -> Mapping[str, Any]:
        return {
            "phase": READING,
            "name": file.name,
            "began_at": epoch_text(self._clock()),
            "offset": 0,
            "line": 0,
            "size": file.size,
            "columns": None,
            **dict.fromkeys(("added", "known", "invalid"), 0),
            "errors": [],
        }

    def _step(self, file: File, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._entered(file, body)
        except InvalidPayload as error:
            self.counts["refused"] += 1
            return {**body, "phase": REFUSED, "reason": str(error), "ended_at": self._now()}

    def _entered(self, file: File, body: Mapping[str, Any]) -> Mapping[str, Any]:
        folder, slash, _ = file.name.partition("/")
        enter = self._importer(folder if slash else NAO_ME_PERTURBE)
        start = body["offset"]
        data = self._files.read(file, start, self._chunk) if start < file.size else b""
        if start + len(data) < file.size:
            # The last line goes on in the next piece.
            data = data[: data.rfind(b"\n") + 1]
            if not data:
                raise InvalidPayload(f"line {body['line'] + 1} does not end")
        texts = _decoded(data).splitlines()
        lines = list(enumerate(texts, body["line"] + 1))
        columns = Columns(*body["columns"]) if body["columns"] else None
        if columns is None:
            first = next((line for line in lines if line[1].strip("\ufeff \t")), None)
            if first is None:
                raise InvalidPayload("the file is empty")
            columns, named = columns_of(first[1])
            if named:
                lines = [line for line in lines if line[0] > first[0]]
        counts, errors = enter(lines, columns)
        self.counts.update(counts)
        after = {
            **body,
            **{name: body[name] + counts[name] for name in ("added", "known", "invalid")},
            "columns": list(columns),
            "offset": start + len(data),
            "line": body["line"] + len(texts),
            "errors": (body["errors"] + [list(error) for error in errors])[:MOST_ERRORS],
        }
        if after["offset"] < file.size:
            return after
        self.counts["files"] += 1
        return {**after, "phase": DONE, "ended_at": self._now()}

    def _now(self) -> str:
        return epoch_text(self._clock())


def _decoded(data: bytes) -> str:
    # Pieces end with a line, so no character is cut.
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
