"""GraphQL over HTTP (the GraphQL-over-HTTP draft): one request in, one answer out.

POST carries queries and changes as JSON. GET is for queries of API keys only, never with a cookie,
so that a link cannot act for anybody. A browser that asks for a page gets GraphiQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    located_error,
)
from graphql.execution.values import VariableValues
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from kedang_graphql.authentication import bearer_of, cookie_of, device_of, from_our_pages, set_cookies
from kedang_graphql.context import Context
from kedang_graphql.engine.composing import Composer
from kedang_graphql.engine.introspection import answer_about_schema
from kedang_graphql.engine.operations import Operation, OperationCache, Plan, RootField, name_own_fields
from kedang_graphql.engine.requests import Binding, Budget
from kedang_graphql.errors import GRAPHQL_INVALID, told
from kedang_graphql.overlay.overlays import Overlays
from kedang_graphql.schema import Gateway
from kedang_graphql.services import Services
from kedang_graphql.throttling import Reading, Throttled, charge
from kedang_platform.errors import BadUserInput, Forbidden, KedangError
from kedang_platform.i18n import choose_language, msg, translate
from kedang_platform.observing import tracing
from kedang_tenants.reading.watching import watch

LARGEST_BODY = 1024 * 1024
LARGEST_ANONYMOUS_BODY = 64 * 1024
# A request with this header, whatever its value, is told its cost in ``extensions.cost``.
COST_HEADER = "kedang-cost"
_RESPONSE_TYPE = "application/graphql-response+json"
_STATUS = {
    "UNAUTHENTICATED": 401,
    "TWO_FACTOR_REQUIRED": 403,
    "FORBIDDEN": 403,
    "REAUTHENTICATION_REQUIRED": 403,
    "COMPANY_SUSPENDED": 403,
    "COMPANY_UPGRADING": 503,
    "BODY_TOO_LARGE": 413,
    "BODY_TOO_SLOW": 408,
    "NOT_ALLOWED_HERE": 405,
    "THROTTLED": 429,
}
_BY_GET = frozenset({OperationType.QUERY})
_BY_POST = frozenset({OperationType.QUERY, OperationType.MUTATION})
SOCKET_PATH = "/graphql/ws"
# Stands for 400 where the request is fine and the document in it, or its variables, are not.
_INVALID = -400


class BodyTooLarge(KedangError):
    """The request's body is larger than it may be."""


class BodyTooSlow(KedangError):
    """The request's body took longer to arrive than anybody waits."""


class NotAllowedHere(KedangError):
    """Changes are sent by POST, and subscriptions over a WebSocket."""


@dataclass(frozen=True, slots=True)
class Params:
    """What a request asks to execute."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, read and valid: one operation of a document, and the values of its variables."""

    operation: Operation
    definition: OperationDefinitionNode
    variables: VariableValues
    operations: OperationCache


class GraphQLEndpoint:
    """Answers requests with the engine, and with graphql-core where the engine does not reach."""

    def __init__(self, gateway: Gateway, services: Services) -> None:
        self._gateway = gateway
        self._services = services
        self._operations: OperationCache = gateway.operation_cache(services.settings.largest_page)
        self.overlays = Overlays(gateway, largest_page=services.settings.largest_page)

    @property
    def operations(self) -> OperationCache:
        """The documents of the static schema."""
        return self._operations

    async def __call__(self, request: Request) -> Response:
        """The answer to one request; failures are told in it, none is raised."""
        with tracing.span("graphql.request", link=request.headers.get("traceparent"), root=True) as span:
            response = await self._respond(request)
            span.tell(status=response.status_code)
            return response

    async def _respond(self, request: Request) -> Response:
        language = choose_language(request.headers.get("accept-language"))
        context: Context | None = None
        throttled: Throttled | None = None
        try:
            context = await self._context(request)
            language = context.language
            reading = Reading(self._services.buckets, context)
            params = await _params(request, context, reading)
            status, body = await self._execute(context, params, request.method, reading)
            if context.answer.cost is not None and COST_HEADER in request.headers:
                body.setdefault("extensions", {})["cost"] = context.answer.cost
        except KedangError as error:
            status, body = refused(error, language)
            self._services.measurer.failed(context, error)
            throttled = error if isinstance(error, Throttled) else None
        except Exception as error:  # noqa: BLE001 - a bug is logged with a number, its inside is told to nobody
            status, body = 500, {"errors": [told(GraphQLError("", original_error=error), language)]}
            self._services.measurer.failed(context, error)
        modern = _accepts_response_type(request)
        if status == _INVALID and not modern:
            status = 200  # what was asked could be read; clients of before the draft look into the body
        response = Response(
            orjson.dumps(body),
            abs(status),
            media_type=_RESPONSE_TYPE if modern else "application/json",
        )
        response.headers["cache-control"] = "no-store"
        if status == _STATUS["BODY_TOO_SLOW"]:
            response.headers["connection"] = "close"  # what is still to come of the body is not waited for
        if throttled is not None:
            response.headers["retry-after"] = str(throttled.seconds)
        if context is not None:
            set_cookies(response, context.answer, self._services.settings)
        return response

    async def _context(self, request: Request) -> Context:
        services = self._services
        bearer, cookie = bearer_of(request), cookie_of(request, services.settings)
        if bearer is None and cookie is not None and not from_our_pages(request, services.settings):
            raise Forbidden(msg("This request comes from another site."))
        return await self.context_of(
            request,
            bearer=bearer,
            cookie=cookie,
            accepted=request.headers.get("accept-language"),
            idempotency_key=request.headers.get("idempotency-key"),
        )

    async def context_of(
        self,
        request: HTTPConnection,
        *,
        bearer: str | None,
        cookie: str | None,
        accepted: str | None,
        idempotency_key: str | None = None,
    ) -> Context:
        """Who asks, by the credential that counts, and in which of the ``accepted`` languages."""
        services = self._services
        found = await services.identity.credentials.identify(bearer=bearer, cookie=cookie, enrolling=True)
        enrolling = found if found is not None and found.must_enrol else None
        identified = found if enrolling is None else None
        language = choose_language(accepted)
        # In a company that goes its owner finds but the verbs of leaving, which look for themselves.
        if identified is not None and identified.company.status != "deleting":
            viewer = await services.viewers.of(identified)
            language = choose_language(accepted if accepted and accepted != "*" else None, viewer.language)
        return Context(
            databases=services.databases,
            settings=services.settings,
            clock=services.clock,
            identity=services.identity,
            viewers=services.viewers,
            files=services.files,
            file_links=services.file_links,
            dashboard=services.dashboard,
            identified=identified,
            enrolling=enrolling,
            device=device_of(request, services.settings),
            language=language,
            request_address=request.client.host if request.client else "",
            user_agent=request.headers.get("user-agent", "")[:300],
            idempotency_key=idempotency_key,
            overlays=self.overlays,
        )

    async def understand(
        self, context: Context, params: Params, reading: Reading, allowed: Collection[OperationType]
    ) -> Asked | list[GraphQLError]:
        """What is asked, or why it cannot be meant; what is not ``allowed`` here raises NotAllowedHere.

        What the static schema does not know may be one of the company's own fields.
        """
        identified = context.identified
        inside = identified is not None and identified.company.status != "deleting"
        viewer = await context.viewer() if inside else None
        with reading:
            asked, own = _read(self._operations, params, allowed)
            own = own and viewer is not None and bool(viewer.custom_fields)
            reading.refused = isinstance(asked, list) and not own
        overlay = await self.overlays.of(viewer) if own and viewer is not None else None
        if overlay is not None:
            with reading:
                asked, _ = _read(overlay.operations, params, allowed)
                reading.refused = isinstance(asked, list)
        return asked

    async def _execute(
        self, context: Context, params: Params, method: str, reading: Reading
    ) -> tuple[int, dict[str, Any]]:
        asked = await self.understand(context, params, reading, _BY_GET if method == "GET" else _BY_POST)
        if isinstance(asked, list):
            self._services.measurer.unread(context, GRAPHQL_INVALID)
            return _INVALID, {"errors": [told(error, context.language) for error in asked]}
        return await self.answer(context, params, asked)

    async def answer(self, context: Context, params: Params, asked: Asked) -> tuple[int, dict[str, Any]]:
        """The answer to a query or a change with its status over HTTP, paid for and measured; raises KedangError."""
        measurer = self._services.measurer
        watch(self._services.views.saw)
        signature = asked.operations.signature(asked.operation, asked.definition)
        context.measured.known_as(signature)
        with tracing.span("graphql.operation", operation=signature.id.hex):
            try:
                status, body = await self._paid(context, params, asked)
            except Exception as error:
                measurer.failed(context, error)
                raise
            measurer.answered(context, body)
        return status, body

    async def _paid(self, context: Context, params: Params, asked: Asked) -> tuple[int, dict[str, Any]]:
        operation, definition, variables = asked.operation, asked.definition, asked.variables
        operations = asked.operations
        measure = operations.measure(operation, definition)
        charged = await charge(self._services.buckets, context, measure, variables.coerced)
        data = None
        try:
            plan = operations.plan(operation, definition, variables)
            if measure.about_schema:
                data, took = await answer_about_schema(operations, operation, definition, params.variables)
                context.measured.spent += charged.introspected(took)
                return 200, {"data": data}
            if plan is not None and context.identified is not None:
                context.measured.planned = True
                status, body = await self._answer(context, plan, asked)
            else:
                status, body = await self._execute_stock(context, asked)
            data = body.get("data")
            return status, body
        finally:
            context.answer.cost = charged.settle(data)

    async def _answer(self, context: Context, plan: Plan, asked: Asked) -> tuple[int, dict[str, Any]]:
        """All root fields in one transaction of the company; those after one that the database broke off in a new one."""
        context.require_scope("read")
        viewer = await context.viewer()
        budget = Budget(largest_page=context.settings.largest_page)
        binding = Binding(viewer, asked.variables, budget, context)
        composer = Composer(viewer, plan.compiled)
        data: dict[str, Any] = {}
        errors: list[dict[str, Any]] = []
        left = deque(plan.roots)
        while left:
            async with context.databases.tenant_read(viewer.company) as tx:
                while left:
                    field = left.popleft()
                    if field.root is None:
                        data[field.key] = "Query"
                        continue
                    try:
                        data[field.key] = await field.root.answer(tx, binding, composer)
                    except (KedangError, GraphQLError) as error:
                        errors.append(_failed(error, field, context))
                        data[field.key] = None
                        if not field.nullable:
                            return 200, {"data": None, "errors": errors}
                        if getattr(error, "passing", False):
                            break
        body: dict[str, Any] = {"data": data}
        if errors:
            body["errors"] = errors
        masked = asked.operations.masked(plan, viewer)
        if masked:
            body["extensions"] = {"masked": masked}
        return 200, body

    async def _execute_stock(self, context: Context, asked: Asked) -> tuple[int, dict[str, Any]]:
        running = self._gateway.executor.prepared(
            asked.operations.schema,
            asked.operation,
            asked.definition,
            asked.variables,
            replace(context, selected=partial(asked.operations.selected, asked.operation)),
        ).execute_operation()
        result = await running if isawaitable(running) else running
        assert isinstance(result, ExecutionResult)  # nothing here is delivered in parts
        body: dict[str, Any] = {"data": result.data}
        if context.answer.masked:
            body["extensions"] = {"masked": sorted(context.answer.masked)}
        if result.errors:
            body["errors"] = [told(error, context.language) for error in result.errors]
            codes = {entry["extensions"]["code"] for entry in body["errors"]}
            if result.data is None and codes <= set(_STATUS):
                return _STATUS[next(iter(codes))], body
        return 200, body


def _read(
    operations: OperationCache, params: Params, allowed: Collection[OperationType]
) -> tuple[Asked | list[GraphQLError], bool]:
    """What is asked, or what is wrong with it; and whether own fields of a company might make it something else."""
    operation = operations.get(params.query)
    if operation.errors:
        return operation.errors, operation.asks_the_overlay
    definition = operation.definition(params.operation_name)
    if definition.operation not in allowed:
        raise _not_allowed(definition.operation)
    variables = operations.variables(definition, params.variables)
    if isinstance(variables, list):
        return variables, operation.asks_the_overlay or name_own_fields(params.variables)
    return Asked(operation, definition, variables, operations), operation.asks_the_overlay


def _not_allowed(operation: OperationType) -> NotAllowedHere:
    if operation is OperationType.SUBSCRIPTION:
        return NotAllowedHere(
            msg("Subscriptions are asked over a WebSocket, at {address}."), address=SOCKET_PATH
        )
    return NotAllowedHere(msg("Changes are sent by POST."))


def _failed(error: Exception, field: RootField, context: Context) -> dict[str, Any]:
    """The failure of a root field as it stands in ``errors``."""
    located = located_error(error, [detail.node for detail in field.details], [field.key])
    return told(located, context.language)


def refused(error: KedangError, language: str) -> tuple[int, dict[str, Any]]:
    """A refusal as the body of an answer, with its status over HTTP."""
    entry = {
        "message": translate(error.message, language, error.params),
        "extensions": {"code": error.code},
    }
    body: dict[str, Any] = {"errors": [entry]}
    if isinstance(error, Throttled):
        body["extensions"] = {"cost": error.cost}
    return _STATUS.get(error.code, 503 if error.passing else 400), body


def _accepts_response_type(request: Request) -> bool:
    return _RESPONSE_TYPE in request.headers.get("accept", "")


async def _params(request: Request, context: Context, reading: Reading) -> Params:
    if request.method == "GET":
        return _get_params(request, context)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise BadUserInput(msg("Send the request as application/json."))
    limit = LARGEST_BODY if context.identified is not None else LARGEST_ANONYMOUS_BODY
    seconds = context.settings.body_timeout
    try:
        async with asyncio.timeout(seconds):
            body = await _body(request, limit)
    except TimeoutError:
        raise BodyTooSlow(
            msg("The request did not arrive within {seconds} seconds."), seconds=seconds
        ) from None
    with reading:
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BadUserInput(msg("The request's body is not JSON.")) from None
        return checked(given)


def _get_params(request: Request, context: Context) -> Params:
    if context.identified is not None and context.identified.kind != "api_key":
        raise Forbidden(msg("Queries by GET need an API key."))
    given: dict[str, Any] = dict(request.query_params)
    if "variables" in given:
        try:
            given["variables"] = orjson.loads(given["variables"])
        except orjson.JSONDecodeError:
            raise BadUserInput(msg("The variables are not JSON.")) from None
    given.pop("extensions", None)  # none is known, so their text is not read
    return checked(given)


def checked(given: Any) -> Params:
    """The parameters of a request; raises BadUserInput for what are none."""
    if not isinstance(given, dict):
        raise BadUserInput(msg("The request is an object with a query."))
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(query, str) or not query:
        raise BadUserInput(msg("The request is an object with a query."))
    if variables is not None and not isinstance(variables, dict):
        raise BadUserInput(msg("The variables are an object."))
    if name is not None and not isinstance(name, str):
        raise BadUserInput(msg("The name of the operation is text."))
    if not isinstance(given.get("extensions"), dict | None):
        raise BadUserInput(msg("The extensions are an object."))
    return Params(query, variables or {}, name or None)


async def _body(request: Request, limit: int) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLarge(msg("The request is larger than {limit} bytes."), limit=limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(msg("The request is larger than {limit} bytes."), limit=limit)
        chunks.append(chunk)
    return b"".join(chunks)
