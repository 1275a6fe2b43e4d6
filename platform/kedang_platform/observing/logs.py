"""The one formatter for everything that a process says: what stands in the program, and facts of known shape.

A line names an event and tells facts about it. Whatever else somebody hands to a logger - a message put together
while the program runs, the text of an exception, parameters, local variables - may hold values of persons and is left
out, whoever says it: our own code, a library, or the interpreter.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final, TextIO, TypeAlias
from uuid import UUID

import orjson
import structlog

from kedang_platform.errors import KedangError
from kedang_platform.observing import tracing
from kedang_platform.settings import Settings

_Check: TypeAlias = Callable[[object], object]
_EVENT: Final = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_WORD: Final = re.compile(r"[a-z][a-z0-9_.-]{0,60}")
_TYPE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,80}")
_HEX: Final = re.compile(r"[0-9a-f]{16,32}")
_LARGEST: Final = 2**53  # what every reader of JSON holds exactly; what is no number is not below it
_PLACES: Final = 8
_CHAIN: Final = 3
_OURS: Final = "kedang"


def _number(value: object) -> object:
    return value if isinstance(value, int | float) and abs(value) < _LARGEST else None


def _shaped(pattern: re.Pattern[str]) -> _Check:
    def check(value: object) -> object:
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return check


def _id(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


_code, _word, _type, _hex = (_shaped(pattern) for pattern in (_CODE, _WORD, _TYPE, _HEX))

FACTS: Final[Mapping[str, _Check]] = {
    # counts and durations
    **dict.fromkeys(
        (
            *("attempt", "attempts", "bytes", "cost", "count", "done", "expired", "files", "line_number"),
            *("milliseconds", "minutes", "pid", "places", "port", "seconds", "statements", "status"),
            *("tries", "unanswered"),
        ),
        _number,
    ),
    # words out of the program
    **dict.fromkeys(("code", "reason"), _code),
    **dict.fromkeys(
        ("kind", "outcome", "way", "channel", "method", "purpose", "provider", "by", "part", "setting"), _word
    ),
    "error": _type,
    # ids that stand for nothing outside the installation
    **dict.fromkeys(("job", "company", "member", "person", "session", "credential"), _id),
    **dict.fromkeys(("incident", "trace", "operation"), _hex),
    "network": lambda value: (
        value if isinstance(value, str) and re.fullmatch(r"[0-9a-f.:]+/\d{1,3}", value) else None
    ),
}
"""What a line may tell beside its event, and the shape it must have; anything else is left out."""

SECURITY_ONLY: Final = frozenset({"company", "member", "person", "session", "credential", "network"})
"""Facts that lines of ``kedang.security`` alone may tell: who, by ids that mean nothing outside, and roughly where from."""
SECURITY: Final = "kedang.security"


def start_logging(process: str) -> None:
    """Have everything that this process says from now on told in lines on standard error.

    For people on a terminal, else as JSON, until ``set_up`` says otherwise. What ends a thread or the process
    unasked, and warnings, are lines, too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(process, as_json=not sys.stderr.isatty()))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in ("alembic", "dramatiq", "uvicorn.access", "httpx", "opentelemetry", "asyncio", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a line that cannot be written is not told with its values, either
    configure_structlog()
    sys.excepthook = _process_failed
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread_failed
    warnings.showwarning = _warned


def set_up(settings: Settings) -> None:
    """Log as the settings say."""
    root = logging.getLogger()
    root.setLevel(settings.log_level.upper())
    for handler in root.handlers:
        if isinstance(handler.formatter, LineFormatter) and settings.log_format is not None:
            handler.formatter.as_json = settings.log_format == "json"


def configure_structlog() -> None:
    """Hand what structlog is told to the standard library's loggers, with its facts."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _as_record],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _as_record(
    _logger: Any, method: str, told: structlog.typing.EventDict
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    event = told.pop("event")
    error = told.pop("exc_info", None) or (method == "exception" or None)
    return (event,), {"exc_info": error, "extra": {"kedang_facts": dict(told)}}


class LineFormatter(logging.Formatter):
    """A record as one line. ``as_json`` may be changed at any time."""

    def __init__(self, process: str, *, as_json: bool) -> None:
        super().__init__()
        self._process = process
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        line = self._line(record)
        return orjson.dumps(line).decode() if self.as_json else as_console(line)

    def _line(self, record: logging.LogRecord) -> dict[str, object]:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z",
            "level": record.levelname.lower(),
            "event": "",
            "process": self._process,
        }
        span = tracing.current()
        if span is not None:
            line["trace"] = span.trace_id
        facts = getattr(record, "kedang_facts", None)
        if facts is not None and isinstance(record.msg, str) and _EVENT.fullmatch(record.msg):
            line["event"] = record.msg
            line.update(_known(facts, security=record.name == SECURITY))
        else:
            line["event"] = "library.told"
            line["logger"] = record.name if _TYPE.fullmatch(record.name) else ""
            line["text"] = _constant(record)
            line["at"] = f"{_short(record.pathname)}:{record.lineno}"
        error = _error_of(record)
        if error is not None:
            line.update(told_of_error(error))
        return line


def told_of_error(error: BaseException) -> dict[str, object]:
    """An exception by its type, its code and the places in the code that it came through; never by its text."""
    chain = list(_chain(error))
    told: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, KedangError):
        told["code"] = error.code
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and re.fullmatch(r"[0-9A-Z]{5}", state):
        told["sqlstate"] = state
    frames = traceback.extract_tb(error.__traceback__)
    told["places"] = [_place(frame) for frame in frames if not frame.filename.startswith("<frozen")][
        -_PLACES:
    ]
    if len(chain) > 1:
        told["because"] = [_cause(cause) for cause in chain[1:]]
    return told


def _cause(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{type(error).__name__} {_place(last[0])}" if last else type(error).__name__


def _place(frame: traceback.FrameSummary) -> str:
    return f"{_short(frame.filename)}:{frame.name}:{frame.lineno}"


def as_console(line: Mapping[str, object]) -> str:
    """A line for people: time, level, event, then the facts; the places of an error below it."""
    head = f"{line['time']} {str(line['level']).upper()} {line['event']}"
    rest = {name: value for name, value in line.items() if name not in {"time", "level", "event", "process"}}
    places = rest.pop("places", ()) if isinstance(rest.get("places"), list) else ()
    facts = " ".join(f"{name}={_plain(value)}" for name, value in rest.items())
    assert isinstance(places, list | tuple)
    return "\n".join([f"{head} {facts}".rstrip(), *(f"    {place}" for place in places)])


def _plain(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    text = "".join(
        sign if sign.isprintable() else " " for sign in text
    )  # a library's constant may have lines
    return f'"{text}"' if " " in text else text


def _known(facts: Mapping[str, object], *, security: bool) -> Iterator[tuple[str, object]]:
    for name, value in facts.items():
        check = FACTS.get(name)
        if check is None or (name in SECURITY_ONLY and not security):
            continue
        told = check(value)
        if told is not None:
            yield name, told


def _constant(record: logging.LogRecord) -> str:
    """The text of a foreign line where it stands in the program as it is; one put together at run time is left out.

    Looked for in the code that logs, which is still under way while its line is formatted. What is filled into the
    text is never told.
    """
    if not isinstance(record.msg, str):
        return ""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller
    while frame is not None:
        code = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return record.msg if _stands_in(code, record.msg) else ""
        frame = frame.f_back
    return ""


def _stands_in(code: CodeType, text: str) -> bool:
    return any(
        constant is text or constant == text for constant in code.co_consts if isinstance(constant, str)
    )


def _error_of(record: logging.LogRecord) -> BaseException | None:
    found = record.exc_info
    if isinstance(found, BaseException):
        return found
    return found[1] if isinstance(found, tuple) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(_CHAIN):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _short(filename: str) -> str:
    """A file by its last two parts: where the product is installed is nobody's business."""
    return "/".join(Path(filename).parts[-2:])


_log = structlog.get_logger("kedang.process")


def _process_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("process.failed", exc_info=(kind, error, trace))


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log.critical("thread.failed", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        _log.error("object.failed", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _warned(
    message: Warning | str,  # noqa: ARG001 - it may hold values
    category: type[Warning],
    filename: str,  # noqa: ARG001
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    _log.warning("python.warned", error=category.__name__, line_number=lineno)
