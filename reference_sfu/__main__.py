"""`python -m reference_sfu`: run the server."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from reference_sfu.server import Settings, serve

TOKEN_VARIABLE = "REFERENCE_SFU_TOKEN"  # noqa: S105  # the name of a variable


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve as ``arguments`` say, else the process's; gives the exit code."""
    parser = argparse.ArgumentParser("python -m reference_sfu", description=__doc__)
    defaults = Settings()
    parser.add_argument("--host", default=defaults.host, help="address to bind to")
    parser.add_argument("--port", type=int, default=defaults.port, help="of HTTP; 0: a free one")
    parser.add_argument("--udp-port", type=int, default=0, help="of media; 0: a free one")
    parser.add_argument(
        "--announce", action="append", default=[], metavar="ADDRESS",
        help="address at which peers reach this machine, if not --host; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--token", default=os.environ.get(TOKEN_VARIABLE),
        help=f"what every call must bear; ${TOKEN_VARIABLE} unless said",
    )  # fmt: skip
    parser.add_argument("--max-sessions", type=int, default=defaults.max_sessions)
    given = parser.parse_args(arguments)
    settings = Settings(**{**vars(given), "announce": tuple(given.announce)})
    if faults := settings.faults():
        sys.stderr.write("\n".join(faults) + "\n")
        return 2
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        sys.stderr.write(f"{settings.host}: {error.strerror or error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
