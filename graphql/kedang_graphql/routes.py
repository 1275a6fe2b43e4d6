"""The routes that features add beside GraphQL: pages and files."""

from __future__ import annotations

from starlette.routing import BaseRoute

FEATURE_ROUTES: tuple[BaseRoute, ...] = ()
