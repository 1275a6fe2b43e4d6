"""The web application: GraphQL, pages, files, health - and nothing decided here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from kedang_graphql.hardening import Hardened
from kedang_graphql.http import SOCKET_PATH, GraphQLEndpoint
from kedang_graphql.live import Live
from kedang_graphql.measuring import keep_measuring
from kedang_graphql.measuring.metrics import Metrics
from kedang_graphql.overlay.freshness import keep_fields_fresh
from kedang_graphql.routes import FEATURE_ROUTES
from kedang_graphql.schema import build_gateway
from kedang_graphql.services import Services
from kedang_graphql.viewing import keep_views
from kedang_graphql.websocket import Socket
from kedang_platform.i18n import choose_language, msg, translate
from kedang_platform.identity import keep_credentials
from kedang_platform.observing.health import Health
from kedang_platform.settings import Settings

STATIC = Path(__file__).parent / "static"
GRAPHIQL = STATIC / "graphiql" / "index.html"
_GRAPHIQL_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def create_app(settings: Settings, services: Services | None = None) -> Starlette:
    """The application. It opens its services when it starts, unless it is given them (then it leaves them open)."""
    gateway = build_gateway()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        opened = services or await Services.open(settings)
        app.state.services = opened
        app.state.graphql = GraphQLEndpoint(gateway, opened)
        app.state.live = Live(opened)
        app.state.live.start()
        app.state.metrics = Metrics.started(
            opened.settings, opened.measurer, opened.databases, app.state.graphql.operations
        )
        keeping = [
            asyncio.create_task(
                keep_credentials(
                    opened.databases, opened.identity.credentials, redis_url=opened.settings.redis_url
                )
            ),
            asyncio.create_task(keep_fields_fresh(opened.databases, opened.viewers)),
            asyncio.create_task(
                keep_measuring(opened.measurer, opened.databases, interval=opened.settings.measuring_interval)
            ),
            asyncio.create_task(
                keep_views(opened.views, opened.databases, interval=opened.settings.measuring_interval)
            ),
        ]
        app.state.health.begin(opened.databases, redis_url=opened.settings.redis_url)
        try:
            yield
        finally:
            app.state.health.drain()
            await app.state.live.close()
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
            if app.state.metrics is not None:
                app.state.metrics.stop()
            if services is None:
                await opened.close()

    app = Starlette(routes=_routes(), lifespan=lifespan, middleware=[Middleware(Hardened, settings=settings)])
    app.state.health = Health()
    return app


def _routes() -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route("/graphql", _graphql, methods=["GET", "POST"]),
        WebSocketRoute(SOCKET_PATH, _socket),
        Route("/livez", _live),
        Route("/readyz", _ready),
        *FEATURE_ROUTES,
    ]
    if STATIC.is_dir():
        routes.append(Mount("/static", StaticFiles(directory=STATIC)))
    return routes


async def _graphql(request: Request) -> Response:
    if request.method == "GET" and "query" not in request.query_params:
        return _graphiql(request)
    endpoint: GraphQLEndpoint = request.app.state.graphql
    return await endpoint(request)


async def _socket(websocket: WebSocket) -> None:
    state = websocket.app.state
    await Socket(websocket, state.graphql, state.live, state.services).run()


def _graphiql(request: Request) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return _plain(request, msg("Send a query by POST as application/json."), 400)
    if not GRAPHIQL.is_file():
        missing = msg("GraphiQL was not built, because Node 20 was not found. The API itself works.")
        return _plain(request, missing, 404)
    return FileResponse(GRAPHIQL, headers=_GRAPHIQL_HEADERS)


def _plain(request: Request, msgid: str, status: int) -> Response:
    text = translate(msgid, choose_language(request.headers.get("accept-language")))
    return PlainTextResponse(text + "\n", status)


async def _live(request: Request) -> Response:  # noqa: ARG001 - the signature of an endpoint
    return JSONResponse({"status": "live"})


async def _ready(request: Request) -> Response:
    """Ready when the database answers, degraded without Valkey; not while starting or draining."""
    health: Health = request.app.state.health
    found = await health.ready()
    return JSONResponse({"status": found.status}, found.code)
