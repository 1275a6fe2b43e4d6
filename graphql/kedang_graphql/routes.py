"""The routes that features add beside GraphQL: pages and files."""

from __future__ import annotations

from starlette.routing import BaseRoute

from kedang_graphql import files, invoices, leaving, pages, reports
from kedang_graphql.measuring import metrics
from kedang_graphql.overlay import serving

FEATURE_ROUTES: tuple[BaseRoute, ...] = (
    *serving.routes,
    *files.routes,
    *reports.routes,
    *invoices.routes,
    *leaving.routes,
    *pages.routes,
    *metrics.routes,
)
