"""The yardstick: a bare Litestar application that sends back the JSON it was sent. Prints its address."""

import asyncio

import msgspec
import uvicorn
from litestar import Litestar, post
from litestar.params import JSONBody


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As much as an ordinary request for a recommendation holds."""

    member: str


@post("/v1/recommendations", status_code=200)
async def echo(data: JSONBody[Said]) -> Said:
    """A Struct in, the same Struct out."""
    return data


async def serve() -> None:
    """Listens with the settings of `engagement serve` until it is told to end."""
    app = Litestar([echo], openapi_config=None, logging_config=None)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    print(f"Echo at http://{host}:{port} ", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(serve())
