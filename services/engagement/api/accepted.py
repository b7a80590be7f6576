"""How it is answered that something is asked for and will be computed: at once, with where to look."""

from typing import Any

import msgspec
from litestar import Response

from engagement.api.evaluator import Evaluator
from engagement.api.service import Call
from engagement.api.terms import is_dry_run


class _Named(msgspec.Struct, frozen=True):
    """Of what was told, the id."""

    id: str


def accepted(request: Call, told: Any, computer: Evaluator, look_again_s: int) -> Response[Any]:
    """The answer, with `Location` and `Retry-After`; what is not only tried is computed from now on.

    told : something with an id, or the bytes with which the same request was answered before
    """
    name = msgspec.json.decode(told, type=_Named).id if isinstance(told, msgspec.Raw) else told.id
    if not is_dry_run(request):
        computer.want(request.auth.program_id, name)
    headers = {"Location": f"{request.url.path}/{name}", "Retry-After": str(look_again_s)}
    return Response(told, headers=headers)
