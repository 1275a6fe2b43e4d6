"""``python -m kedang_graphql``: the gateway as a process."""

from __future__ import annotations

import gc

import uvicorn

from kedang_graphql.app import create_app
from kedang_platform.settings import Settings


def main() -> None:
    """Serve until told to stop; requests under way are finished first (at most 10 seconds)."""
    settings = Settings()
    app = create_app(settings)
    # The schema lives as long as the process: looking through it at each collection held requests up for 0.2 s.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_level="info",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies or "",
    )


if __name__ == "__main__":
    main()
