"""The routes that features add beside GraphQL: pages and files."""

from __future__ import annotations

from starlette.routing import BaseRoute

from kedang_graphql import files, pages, reports

FEATURE_ROUTES: tuple[BaseRoute, ...] = (*files.routes, *reports.routes, *pages.routes)
