"""Charts as SVG: Vega-Lite, in our colours and with the one font that reports carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import vl_convert

from kedang_tenants.reports.document import Chart

FONT: Final = "Noto Sans SC"
_INK, _MUTED, _LINE = "#1f2933", "#52606d", "#e4e7eb"
_WIDTH, _HEIGHT = 640, 210
_LYING: Final = 30
"""Of one lying bar, with the room around it."""

_FEW: Final = 5
"""Up to here an axis is given its steps: left to itself it would go up by halves."""


def draw(chart: Chart, fonts: Path) -> str:
    """The chart as SVG, its texts being texts; nothing is fetched from anywhere."""
    vl_convert.register_font_directory(str(fonts))
    return vl_convert.vegalite_to_svg(_spec(chart), allowed_base_urls=[])


def _spec(chart: Chart) -> dict[str, Any]:
    """Texts that people wrote are data here, never expressions."""
    names = _distinct(chart.categories)
    values = [
        {"category": category, "series": series.label, "order": number, "value": series.values[place]}
        for place, category in enumerate(names)
        for number, series in enumerate(chart.series)
    ]
    single = len(chart.series) == 1
    domain = names if single and chart.colours else [one.label for one in chart.series]
    colours = list(chart.colours) if single and chart.colours else [one.colour for one in chart.series]
    few = chart.few(_FEW)
    top = 1 if chart.percent and not _exceeds(chart) else few
    categories = {
        "field": "category",
        "type": "nominal",
        "sort": names,
        "axis": {"title": None, "labelAngle": 0, "ticks": False, "labelLimit": 220},
    }
    amounts = {
        "field": "value",
        "type": "quantitative",
        "stack": "zero" if chart.stacked else None,
        "axis": {
            "title": None if chart.percent else chart.axis,
            "format": "%" if chart.percent else ",~f",
            "tickCount": 5,
            **({} if chart.percent else {"tickMinStep": 1}),
            **({"values": list(range(few + 1))} if few else {}),
        },
        **({"scale": {"domain": [0, top]}} if top else {}),
    }
    x, y = (amounts, categories) if chart.lying else (categories, amounts)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _LYING * len(chart.categories) if chart.lying else _HEIGHT,
        "background": None,
        "config": _CONFIG,
        "data": {"values": values},
        "mark": {"type": "bar", "height" if chart.lying else "width": {"band": 0.62}},
        "encoding": {
            "x": x,
            "y": y,
            "order": {"field": "order"},
            **(
                {"xOffset": {"field": "series", "sort": [one.label for one in chart.series]}}
                if not chart.stacked and not single
                else {}
            ),
            "color": {
                "field": "category" if single and chart.colours else "series",
                "type": "nominal",
                "scale": {"domain": domain, "range": colours},
                "legend": None if single else {"title": None, "orient": "bottom", "symbolType": "square"},
            },
        },
    }


def _distinct(categories: Sequence[str]) -> list[str]:
    """Two things of one name are two bars."""
    met: Counter[str] = Counter()
    names = []
    for category in categories:
        met[category] += 1
        names.append(category if met[category] == 1 else f"{category} ({met[category]})")
    return names


def _exceeds(chart: Chart) -> bool:
    """Whether a share is larger than the whole, so that the axis cannot end there."""
    return any((value or 0) > 1 or (value or 0) < 0 for series in chart.series for value in series.values)


_CONFIG: Final[dict[str, Any]] = {
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _MUTED,
        "titleColor": _MUTED,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "gridColor": _LINE,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "labelPadding": 6,
    },
    "legend": {"labelColor": _INK, "labelFontSize": 11},
}
