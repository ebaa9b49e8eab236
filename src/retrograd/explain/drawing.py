"""Bars as SVG, for the pages of reports."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

_ROW, _LABEL, _WIDTH, _VALUE = 18, 220, 360, 90


def bars(title: str, rows: Sequence[tuple[str, float, bool]]) -> str:
    """Horizontal bars on a logarithmic scale.

    Args:
      title: what is drawn.
      rows: a label, a value (not negative; 0 and what is not finite have no bar), and
        whether the bar is to stand out.

    Returns:
      An SVG element; "" for no rows.
    """
    if not rows:
        return ""
    logs = [math.log10(v) for _, v, _ in rows if v > 0 and math.isfinite(v)]
    least = math.floor(min(logs, default=0)) - 1
    most = max(math.ceil(max(logs, default=0)), least + 2)
    height = _ROW * (len(rows) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="'
        f'{_LABEL + _WIDTH + _VALUE}" height="{height}" font-family="sans-serif" '
        'font-size="11">',
        f"<title>{html.escape(title)}</title>",
        *_axis(least, most, height),
    ]
    for place, (label, value, stands_out) in enumerate(rows):
        parts += _bar(place, label, value, stands_out, (least, most))
    return "".join([*parts, "</svg>"])


def _x(log: float, ends: tuple[int, int]) -> float:
    least, most = ends
    return _LABEL + _WIDTH * (log - least) / (most - least)


def _axis(least: int, most: int, height: int) -> list[str]:
    step = max((most - least) // 6, 1)
    parts = []
    for power in range(least, most + 1, step):
        x = _x(power, (least, most))
        parts.append(
            f'<line x1="{x:.1f}" y1="{_ROW}" x2="{x:.1f}" y2="{height - _ROW}" '
            'stroke="#ddd"/>'
        )
        parts.append(
            f'<text x="{x:.1f}" y="{height - 4}" text-anchor="middle" fill="#666">'
            f"1e{power}</text>"
        )
    return parts


def _bar(
    place: int, label: str, value: float, stands_out: bool, ends: tuple[int, int]
) -> list[str]:
    y = _ROW * (place + 1)
    shown = label if len(label) <= 34 else f"…{label[-33:]}"
    parts = [
        f'<text x="{_LABEL - 6}" y="{y + 12}" text-anchor="end">'
        f"{html.escape(shown)}</text>"
    ]
    right = float(_LABEL)
    if value > 0 and math.isfinite(value):
        right = _x(math.log10(value), ends)
        colour = "#c0392b" if stands_out else "#2e86c1"
        parts.append(
            f'<rect x="{_LABEL}" y="{y + 2}" width="{right - _LABEL:.1f}" '
            f'height="{_ROW - 4}" fill="{colour}"/>'
        )
    parts.append(f'<text x="{right + 4:.1f}" y="{y + 12}">{value:.3g}</text>')
    return parts
