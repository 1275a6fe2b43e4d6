"""The product's gateway and worker with bugs of every kind built in: ``python -m tests.observing.broken_house gateway|worker``.

What they raise holds values that a person typed. One job writes its value itself: that has to be found.
"""

import asyncio
import logging
import sys
import threading
import warnings

from kedang_graphql.engine import roots
from kedang_platform.database import TenantRead
from kedang_platform.work import NewJob, Registry, RunningJob, enqueue, handler
from kedang_tenants.reading import Listing, Viewer
from kedang_tenants.reading.reader import Read
from kedang_workers import handlers, start
from tests.support.work_process import LEASE

BROKEN = 13
"""A list of so many is read, and then lost."""
read_listing = roots.read_listing


async def lose(tx: TenantRead, viewer: Viewer, listing: Listing) -> Read:
    found = await read_listing(tx, viewer, listing)
    if listing.page.limit == BROKEN:
        raise RuntimeError(f"reading failed for {listing!r}, {viewer!r}: {found!r}")
    return found


@handler("leak", retries=0)
async def leak(job: RunningJob) -> None:
    """What no handler of the product does."""
    sys.stderr.write(f"{job.payload['value']}\n")
    sys.stderr.flush()
    async with job.finish():
        pass


@handler("break", retries=0)
async def break_everything(job: RunningJob) -> None:
    """A value in the texts of exceptions, of libraries' lines, warnings, threads and tasks; at last a broken constraint."""
    value = str(job.payload["value"])
    logging.getLogger("some.library").warning("a %s", value)
    logging.getLogger("some.library").error(f"a {value}", extra={"value": value})  # noqa: G004
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

        roots.read_listing = lose
        main()
    else:
        known = handlers.load()
        start.main(Registry.of(*known.handlers.values(), break_everything, leak), lease=LEASE)
