"""``GET /graphql/schema.graphql``: the schema that the asker is answered by, as text, for whoever generates code from it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kedang_graphql.authentication import bearer_of, cookie_of, from_our_pages
from kedang_graphql.context import Context
from kedang_graphql.engine.cost import SUMMARY, Measure
from kedang_graphql.http import GraphQLEndpoint, refused
from kedang_graphql.overlay.printing import Printed
from kedang_graphql.throttling import Throttled, charge
from kedang_platform.errors import Forbidden, KedangError, Unauthenticated
from kedang_platform.i18n import choose_language, msg

_HEADERS = {
    "cache-control": "private, no-cache",
    "vary": "Authorization, Cookie",
    "x-content-type-options": "nosniff",
}


async def answer_schema(request: Request) -> Response:
    """The company's schema for a key or a session, the static one for anybody else; 304 for who has it (RFC 9110, 13.1.2)."""
    try:
        printed = await _printed(request)
    except KedangError as error:
        status, body = refused(error, choose_language(request.headers.get("accept-language")))
        headers = {"retry-after": str(error.seconds)} if isinstance(error, Throttled) else {}
        return JSONResponse(body, status, _HEADERS | headers)
    headers = {**_HEADERS, "etag": printed.tag}
    if _has(request, printed.tag):
        return Response(status_code=304, headers=headers)
    return Response(printed.text, headers=headers, media_type="text/plain; charset=utf-8")


async def _printed(request: Request) -> Printed:
    endpoint: GraphQLEndpoint = request.app.state.graphql
    context = await _context(request, endpoint)
    if context is None:
        return await endpoint.overlays.printed(None)
    viewer = await context.viewer()
    charged = await charge(request.app.state.services.buckets, context, Measure(SUMMARY, (), ()), {})
    charged.settle({})
    return await endpoint.overlays.printed(viewer)


async def _context(request: Request, endpoint: GraphQLEndpoint) -> Context | None:
    """Who asks; None for a request without a credential. Raises Unauthenticated for one that does not hold."""
    settings = request.app.state.services.settings
    bearer, cookie = bearer_of(request), cookie_of(request, settings)
    if bearer is None and cookie is None:
        return None
    if bearer is None and not from_our_pages(request, settings):
        raise Forbidden(msg("This request comes from another site."))
    context = await endpoint.context_of(
        request, bearer=bearer, cookie=cookie, accepted=request.headers.get("accept-language")
    )
    if context.identified is None:
        raise Unauthenticated(msg("Please sign in or send an API key."))
    return context


def _has(request: Request, tag: str) -> bool:
    """Whether the asker holds the text already; tags are compared weakly, as proxies weaken them."""
    given = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in given or given == ["*"]


routes: list[BaseRoute] = [Route("/graphql/schema.graphql", answer_schema)]
