"""The yardstick: a bare Litestar application that sends back the JSON it was sent. Prints its address."""

import socket

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


def main() -> None:
    """Listens with the settings of `engagement serve` until it is told to end."""
    app = Litestar([echo], openapi_config=None, logging_config=None)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    with socket.create_server(("127.0.0.1", 0)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"Echo at http://127.0.0.1:{line.getsockname()[1]} ", flush=True)
        uvicorn.Server(config).run(sockets=[line])


if __name__ == "__main__":
    main()
