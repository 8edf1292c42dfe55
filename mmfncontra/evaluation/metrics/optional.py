"""Metrics that are left out where their packages are not installed."""

from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from ..features import check_packages


def installed_metrics(metrics: Sequence[Any]) -> list[Any]:
    """Metrics but for the optional ones of which a package is missing; a sentence says of each.

    Args:
        metrics: Configs of metrics, or metrics.
    """
    return [metric for metric in metrics if not _is_missing(metric)]


def _is_missing(metric: Any) -> bool:
    if not (isinstance(metric, dict) and metric.get('optional')):
        return False
    extractor = metric.get('extractor', 'inception')
    try:
        check_packages(extractor)
    except ImportError as error:
        print_log(f'nothing is measured with {extractor}: {error}', logger='current', level=30)
        return True
    return False
