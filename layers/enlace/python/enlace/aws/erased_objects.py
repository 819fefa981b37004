"""Objects of a bucket, with every version and every delete marker of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from enlace.aws.s3_calls import S3Calls
from enlace.errors import TemporaryFailure

#: What a page lists, and DeleteObjects takes.
PAGE = 1000


class ErasedObjects:
    """Counts and deletes below a prefix.

    Parameters
    ----------
    make_client : callable
        Makes the botocore S3 client at the first use.
    bucket : str
    exact : bool
        Prefixes are whole keys: below ``a/1`` nothing of ``a/10`` is meant.
    page : int
        Versions and markers at a time.
    """

    def __init__(
        self,
        make_client: Callable[[], Any],
        bucket: str,
        *,
        exact: bool = False,
        page: int = PAGE,
    ):
        self._call = S3Calls(make_client, bucket)
        self._exact = exact
        self._page = page

    def count(self, prefix: str) -> int:
        """Versions and markers below a prefix.

        Raises
        ------
        TemporaryFailure
            If the service did not answer.
        """
        return sum(len(page) for page in self._pages(prefix))

    def erase(self, prefix: str) -> None:
        """Delete them all.

        Raises
        ------
        TemporaryFailure
            If the service did not do it, or says that some are still there: it answers 200
            with errors inside.
        """
        # Always the first page: what is deleted while it is listed would move the others.
        while page := next(self._pages(prefix), None):
            answer = self._call("delete_objects", Delete={"Objects": page, "Quiet": True})
            if errors := answer.get("Errors"):
                codes = sorted({str(error.get("Code")) for error in errors})
                raise TemporaryFailure(
                    f"s3.delete_objects: {len(errors)} not deleted: {', '.join(codes)}"
                )

    def _pages(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        arguments: dict[str, Any] = {"Prefix": prefix, "MaxKeys": self._page}
        while True:
            answer = self._call("list_object_versions", **arguments)
            listed = (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ()))
            found = [one for one in listed if not self._exact or one["Key"] == prefix]
            if found:
                yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            if not answer.get("IsTruncated"):
                return
            arguments["KeyMarker"] = answer["NextKeyMarker"]
            if answer.get("NextVersionIdMarker"):
                arguments["VersionIdMarker"] = answer["NextVersionIdMarker"]
