"""Metrics in CloudWatch's embedded metric format, one line a batch.

By hand, because the library of the field costs a quarter of a ``boto3`` import
and these are five lines. Source: CloudWatch user guide, "Specification:
Embedded metric format".
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

NAMESPACE = "Enlace"


def emit(function: str, counts: Mapping[str, int]) -> None:
    """Write counts, by function, to standard output (Lambda's way to CloudWatch).

    Parameters
    ----------
    counts : mapping of metric name to count
        Zeros are left out.
    """
    counts = {name: count for name, count in counts.items() if count}
    if not counts:
        return
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["function"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    document = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "function": function,
        **counts,
    }
    print(json.dumps(document), flush=True)
