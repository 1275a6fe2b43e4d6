"""The product's gateway and worker with bugs of every kind built in: ``python -m tests.observing.broken_house gateway|worker``.

What they raise holds values that a person typed. ``leaky`` as second word adds a logger that tells them: it has to be found.
"""

import asyncio
import logging
import sys
import threading
import warnings

from kedang_graphql.engine import roots
from kedang_platform.work import NewJob, Registry, RunningJob, enqueue, handler
from kedang_workers import handlers, start
from tests.support.work_process import LEASE

LEAKY = "leaky" in sys.argv[2:]


async def broken(*args: object, **kwargs: object) -> None:
    raise RuntimeError(f"reading failed for {args!r} {kwargs!r}")


@handler("break", retries=0)
async def break_everything(job: RunningJob) -> None:
    """A value in the texts of exceptions, of libraries' lines, warnings, threads and tasks; at last a broken constraint."""
    value = str(job.payload["value"])
    logging.getLogger("some.library").warning("a %s", value)
    logging.getLogger("some.library").error(f"a {value}", extra={"value": value})  # noqa: G004
    if LEAKY:
        sys.stderr.write(f"{value}\n")
    warnings.warn(value, UserWarning, stacklevel=1)
    thread = threading.Thread(target=_raise, args=(value,))
    thread.start()
    thread.join()
    asyncio.get_running_loop().call_exception_handler({"message": value, "exception": ValueError(value)})
    try:
        async with job.step() as write:
            await enqueue(write, NewJob("work.nothing", {"value": value}, key=value))
            await write.fetch("SELECT $1::text::int", value)
    except Exception as error:
        raise LookupError(value, [value], {value: value}) from error


def _raise(value: str) -> None:
    raise ValueError(value)


if __name__ == "__main__":
    if sys.argv[1] == "gateway":
        from kedang_graphql.__main__ import main

        roots.read_listing = broken  # type: ignore[assignment]
        main()
    else:
        known = handlers.load()
        start.main(Registry.of(*known.handlers.values(), break_everything), lease=LEASE)
