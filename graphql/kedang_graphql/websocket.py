"""GraphQL over a WebSocket by the protocol graphql-transport-ws: queries, changes and subscriptions.

Every operation is asked with the credential of the connection as it is then, goes through the same reading,
limits and charges as over HTTP, and is answered in the same shape. The protocol's own closing codes say what
a client did wrong; 1001 and 1013 ask it to come again, and to read anew what it shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from time import thread_time
from typing import Any, Final

import orjson
import structlog
from graphql import GraphQLError, OperationType
from graphql.execution.collect_fields import collect_fields
from starlette.websockets import WebSocket, WebSocketDisconnect

from kedang_graphql import websocket_messages as messages
from kedang_graphql.authentication import bearer_of, cookie_of, from_our_pages, token_in
from kedang_graphql.context import Context
from kedang_graphql.engine.limits import COOKIE_FIELDS
from kedang_graphql.errors import GRAPHQL_INVALID, told
from kedang_graphql.http import (
    LARGEST_ANONYMOUS_BODY,
    LARGEST_BODY,
    Asked,
    GraphQLEndpoint,
    NotAllowedHere,
    Params,
    checked,
    refused,
)
from kedang_graphql.live import GOING_AWAY, TRY_AGAIN_LATER, Live, TooSlowToTell, Watcher
from kedang_graphql.live_jobs import JobWatcher, JobWish, job_wished
from kedang_graphql.live_watching import wanted_by
from kedang_graphql.services import Services
from kedang_graphql.throttling import READ, Reading, Throttled, charge
from kedang_graphql.websocket_messages import InvalidMessage, Message
from kedang_graphql.websocket_outbox import Outbox
from kedang_platform.errors import Forbidden, KedangError, Unauthenticated
from kedang_platform.i18n import choose_language, msg
from kedang_platform.identity.credentials import Identified
from kedang_platform.live import LiveUnavailable

_ALLOWED: Final = frozenset(OperationType)
_CLOSE_SECONDS: Final = 2.0
_LONGEST_REASON: Final = 120  # bytes; a control frame has room for 123 (RFC 6455, 5.5)
_COST: Final = "kedang-cost"
_RECEIVING: Final = 0.00005  # seconds of processor that any message takes before it is read
log = structlog.get_logger(__name__)


class TooManyOperations(KedangError):
    """The connection has as many operations under way, or as long ones, as it may."""


class Socket:
    """One connection from its handshake to its end."""

    def __init__(
        self, websocket: WebSocket, endpoint: GraphQLEndpoint, live: Live, services: Services
    ) -> None:
        self._websocket = websocket
        self._endpoint = endpoint
        self._live = live
        self._services = services
        self._settings = services.settings
        self._outbox = Outbox(services.settings.live_backlog)
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._operations: dict[str, asyncio.Task[None] | Watcher | JobWatcher] = {}
        self._changes: set[asyncio.Task[None]] = set()
        self._address = websocket.client.host if websocket.client else ""
        self._stranger = False
        self._greeted = False
        self._hello: Mapping[str, Any] = {}
        self._bearer: str | None = None
        self._cookie: str | None = None
        self._identified: Identified | None = None
        self._milliseconds = 0.0

    @property
    def identified(self) -> Identified:
        assert self._identified is not None, "only who was let in is asked this"
        return self._identified

    @property
    def watching(self) -> bool:
        """Whether a subscription is under way."""
        return any(self._watchers())

    def _watchers(self) -> Iterator[Watcher]:
        return (one for one in self._operations.values() if isinstance(one, Watcher))

    def _watched_bytes(self) -> int:
        """How long the messages of all subscriptions under way were."""
        operations = self._operations.values()
        return sum(one.size for one in operations if isinstance(one, Watcher | JobWatcher))

    def close(self, code: int, reason: str) -> None:
        """Close the connection soon; the first to say so says why."""
        if not self._closing.done():
            short = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
            self._closing.set_result((code, short))

    async def run(self) -> None:
        """Serve the connection until either side ends it."""
        if messages.SUBPROTOCOL not in self._websocket.scope["subprotocols"]:
            await self._websocket.accept()
            await self._websocket.close(messages.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        await self._websocket.accept(subprotocol=messages.SUBPROTOCOL)
        if not self._live.arrive(self._address):
            await self._websocket.close(TRY_AGAIN_LATER, "Too many connections")
            return
        self._stranger = True
        working = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        timer = asyncio.get_running_loop().call_later(self._settings.live_init_timeout, self._too_late)
        if self._live.draining:
            self.close(GOING_AWAY, "Going away")
        try:
            waited: list[asyncio.Future[Any]] = [*working, self._closing]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            self._tell_of_bugs(working)
        finally:
            timer.cancel()
            self._made_known()
            await self._end(working)

    def _made_known(self) -> None:
        """Nobody has to wait any more for who this is."""
        if self._stranger:
            self._stranger = False
            self._live.made_known(self._address)

    def _too_late(self) -> None:
        if not self._greeted:
            self.close(messages.INIT_TIMEOUT, "Connection initialisation timeout")

    def _tell_of_bugs(self, working: list[asyncio.Task[None]]) -> None:
        for task in working:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None:
                log.error("connection.failed", exc_info=error)
                self.close(messages.INTERNAL_ERROR, "Internal server error")

    async def _end(self, working: list[asyncio.Task[None]]) -> None:
        """Stop what only reads; what changes something is finished, though nobody is told of it."""
        self._outbox.close()
        running = [*working]
        for operation in self._operations.values():
            if isinstance(operation, Watcher):
                self._live.ignore(operation)
            elif isinstance(operation, JobWatcher):
                self._live.jobs.ignore(operation)
            elif operation not in self._changes:
                running.append(operation)
        self._operations.clear()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        try:
            if self._closing.done():
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._websocket.close(*self._closing.result())
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            pass  # the other side is gone, or does not read any more
        finally:
            self._live.leave(self)
        await asyncio.gather(*self._changes, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while True:
                await self._websocket.send_text(await self._outbox.take())
        except (WebSocketDisconnect, RuntimeError, OSError):
            return

    async def _read(self) -> None:
        """Take messages one after the other: what is subscribed to stands before the next is looked at."""
        while not self._closing.done():
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            text = frame.get("text")
            if text is None:
                self.close(messages.INVALID, "Messages are text")
            elif len(text) > (LARGEST_BODY if self._identified else LARGEST_ANONYMOUS_BODY):
                self.close(messages.MESSAGE_TOO_BIG, "Message too big")
            else:
                await self._take(text)

    async def _take(self, text: str) -> None:
        began = thread_time()
        try:
            message = messages.read_message(text)
        except InvalidMessage as error:
            self.close(messages.INVALID, str(error))
            return
        self._pay_for_reading(thread_time() - began + _RECEIVING)
        match message.kind:
            case "connection_init":
                await self._begin(message)
            case "ping":
                await self._outbox.put(messages.pong(message.payload))
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                self._forget(message.id)

    def _pay_for_reading(self, seconds: float) -> None:
        """Messages that take long to read cost as requests do; whoever owes too much is sent away."""
        if self._identified is None:
            return
        self._milliseconds += seconds * 1000
        whole, self._milliseconds = divmod(self._milliseconds, 1)
        buckets, key = self._services.buckets, self._identified.credential_id.hex
        if whole:
            buckets.spend(key, whole * READ)
            if buckets.give_back(key, 0) < -buckets.size / 10:
                self.close(TRY_AGAIN_LATER, "Throttled")

    async def _begin(self, message: Message) -> None:
        """Let the connection in by the credential of its first message, else of its handshake."""
        if self._greeted:
            self.close(messages.TOO_MANY_INITS, "Too many initialisation requests")
            return
        self._greeted = True
        self._hello = {name.lower(): value for name, value in (message.payload or {}).items()}
        try:
            context = await self._let_in()
        except Forbidden as error:
            self.close(messages.FORBIDDEN, str(error) or "Forbidden")
        except KedangError as error:
            self.close(TRY_AGAIN_LATER if error.passing else messages.FORBIDDEN, error.code)
        else:
            self._identified = context.signed_in()
            self._made_known()
            if self._live.enter(self):
                await self._outbox.put(messages.ack())
            else:
                self.close(TRY_AGAIN_LATER, "Too many connections")

    async def _let_in(self) -> Context:
        given = self._hello.get("authorization")
        self._bearer = token_in(given) if isinstance(given, str) else bearer_of(self._websocket)
        if given is not None and self._bearer is None:
            raise Forbidden(msg("Please sign in or send an API key."))
        if self._bearer is None:
            self._cookie = cookie_of(self._websocket, self._settings)
            if self._cookie is not None and not from_our_pages(self._websocket, self._settings):
                raise Forbidden(msg("This request comes from another site."))
        context = await self._context()
        context.signed_in()
        return context

    async def _context(self) -> Context:
        """Who asks, as they are known now; raises Unauthenticated once the credential has ended."""
        accepted = self._hello.get("accept-language")
        if not isinstance(accepted, str):
            accepted = self._websocket.headers.get("accept-language")
        return await self._endpoint.context_of(
            self._websocket, bearer=self._bearer, cookie=self._cookie, accepted=accepted
        )

    async def _subscribe(self, message: Message) -> None:
        if self._identified is None:
            self.close(messages.UNAUTHORIZED, "Unauthorized")
            return
        if message.id in self._operations:
            self.close(messages.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
            return
        language: Any = choose_language(None)
        context: Context | None = None
        try:
            context = await self._context()
            context.signed_in()
            language = context.language
            if len(self._operations) >= self._settings.live_operations:
                raise TooManyOperations(
                    msg("A connection may have at most {limit} operations under way."),
                    limit=self._settings.live_operations,
                )
            await self._start(message, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this operation
            self._services.measurer.failed(context, error)
            self._fail(message.id, error, language)

    async def _start(self, message: Message, context: Context) -> None:
        assert message.payload is not None
        reading = Reading(self._services.buckets, context)
        with reading:
            params = checked(message.payload)
        asked = await self._endpoint.understand(context, params, reading, _ALLOWED)
        if isinstance(asked, list):
            self._services.measurer.unread(context, GRAPHQL_INVALID)
            errors = [told(error, context.language) for error in asked]
            await self._outbox.put(messages.error(message.id, errors))
        elif asked.definition.operation is OperationType.SUBSCRIPTION:
            await self._watch(message, context, params, asked)
        else:
            self._refuse_signing_in(asked)
            task = asyncio.create_task(self._answer(message.id, context, params, asked))
            self._operations[message.id] = task
            if asked.definition.operation is OperationType.MUTATION:
                self._changes.add(task)
                task.add_done_callback(self._changes.discard)

    async def _answer(self, operation: str, context: Context, params: Params, asked: Asked) -> None:
        """A query or a change: one result, and its end."""
        try:
            _, body = await self._endpoint.answer(context, params, asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this operation
            if self._is_wanted(operation):
                self._fail(operation, error, context.language)
            return
        if not self._is_wanted(operation):
            return
        del self._operations[operation]
        if context.answer.cost is not None and _COST in self._hello:
            body.setdefault("extensions", {})["cost"] = context.answer.cost
        await self._outbox.put(messages.next_result(operation, orjson.dumps(body)))
        await self._outbox.put(messages.complete(operation))

    def _is_wanted(self, operation: str) -> bool:
        """Whether the client still waits for this task: the id of a change left behind may be another's by now."""
        return self._operations.get(operation) is asyncio.current_task()

    async def _watch(self, message: Message, context: Context, params: Params, asked: Asked) -> None:
        operation = message.id
        context.require_scope("read")
        if message.size + self._watched_bytes() > LARGEST_BODY:
            raise TooManyOperations(
                msg("The subscriptions of a connection may be {limit} bytes long together."),
                limit=LARGEST_BODY,
            )
        context.measured.known_as(asked.operations.signature(asked.operation, asked.definition))
        if (wish := job_wished(asked)) is not None:
            await self._watch_job(message, context, wish, asked)
            return
        wanted = wanted_by(asked, params.variables, largest_page=self._settings.largest_page)
        charged = await charge(self._services.buckets, context, wanted.measure, asked.variables.coerced)
        context.answer.cost = charged.settle(None)
        watcher = Watcher(
            wanted,
            self.identified,
            push=lambda payload: self._push(operation, watcher, payload),
            fail=lambda error: self._fail(operation, error, context.language),
            size=message.size,
        )
        await self._live.watch(watcher)
        self._operations[operation] = watcher
        self._services.measurer.answered(context, {})  # that it began; what it is told of later is no answer

    async def _watch_job(self, message: Message, context: Context, wish: JobWish, asked: Asked) -> None:
        operation = message.id
        charged = await charge(self._services.buckets, context, wish.measure, asked.variables.coerced)
        context.answer.cost = charged.settle(None)
        watcher = JobWatcher(
            wish,
            self.identified,
            context.language,
            push=lambda payload: self._push(operation, watcher, payload),
            end=lambda: self._complete(operation, watcher),
            fail=lambda error: self._fail(operation, error, context.language),
            size=message.size,
        )
        self._operations[operation] = watcher
        await self._live.jobs.watch(watcher)
        self._services.measurer.answered(context, {})

    def _complete(self, operation: str, watcher: JobWatcher) -> None:
        """What was watched has come to its end."""
        if self._operations.get(operation) is watcher:
            del self._operations[operation]
            if not self._outbox.push(messages.complete(operation)):
                self.close(TRY_AGAIN_LATER, "Too slow")

    def _refuse_signing_in(self, asked: Asked) -> None:
        """A session is given by the cookie of an answer over HTTP; here it would be given to nobody."""
        schema = asked.operations.schema
        root = schema.mutation_type
        if asked.definition.operation is not OperationType.MUTATION or root is None:
            return
        fields = collect_fields(schema, asked.operation.fragments, asked.variables, root, asked.definition)
        names = {details[0].node.name.value for details in fields.grouped_field_set.values()}
        if names & COOKIE_FIELDS:
            raise NotAllowedHere(msg("Sign in by a request of its own, not over a WebSocket."))

    def _push(self, operation: str, watcher: Watcher | JobWatcher, payload: bytes) -> None:
        if self._operations.get(operation) is watcher and not self._outbox.push(
            messages.next_result(operation, payload)
        ):
            self.close(TRY_AGAIN_LATER, "Too slow")

    def _forget(self, operation: str) -> None:
        """The client wants no more of an operation. A change goes on, since it may have happened already."""
        known = self._operations.pop(operation, None)
        if isinstance(known, Watcher):
            self._live.ignore(known)
        elif isinstance(known, JobWatcher):
            self._live.jobs.ignore(known)
        elif known is not None and known not in self._changes:
            known.cancel()

    def _fail(self, operation: str, error: Exception, language: Any) -> None:
        """End an operation by telling why; what concerns the connection ends that."""
        known = self._operations.pop(operation, None)
        if isinstance(known, Watcher):
            self._live.ignore(known)
        elif isinstance(known, JobWatcher):
            self._live.jobs.ignore(known)
        if isinstance(error, LiveUnavailable):
            self.close(TRY_AGAIN_LATER, "Live updates are not available")
        elif isinstance(error, Unauthenticated):
            self.close(messages.FORBIDDEN, "Forbidden")
        elif isinstance(known, Watcher) and _interrupts(error):
            self.close(TRY_AGAIN_LATER, "Live updates were interrupted")
        elif not self._outbox.push(messages.error(operation, _errors(error, language))):
            self.close(TRY_AGAIN_LATER, "Too slow")


def _interrupts(error: Exception) -> bool:
    """Whether something was not told that can be told later."""
    ended = isinstance(error, Throttled | TooSlowToTell)
    return isinstance(error, KedangError) and error.passing and not ended


def _errors(error: Exception, language: Any) -> list[dict[str, Any]]:
    if not isinstance(error, KedangError):
        located = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
        return [told(located, language)]
    _, body = refused(error, language)
    for one in body["errors"]:
        one["extensions"] |= body.get("extensions", {})
    found: list[dict[str, Any]] = body["errors"]
    return found
