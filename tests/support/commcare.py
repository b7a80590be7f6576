"""Forms and cases in the shape in which CommCare forwards them. Everything in them is synthetic.

The shape is that of its documentation: "Enabling Data Integration (Form and Case Forwarding)" and the
description of a form in its API.
"""

from pathlib import Path
from typing import Any

MAPPING = (Path(__file__).parents[2] / "examples" / "commcare" / "mapping.toml").read_text()
FORMS = "http://openrosa.org/formdesigner/"


def form(
    name: str, kind: str, case: str, /, *, changed: str = "2026-03-05T10:00:00.000000Z", **more: Any
) -> Any:
    """A form as CommCare forwards it. kind : the end of its xmlns; `answers` : the questions of the form"""
    ended = more.pop("ended", "2026-03-05T09:30:00.000000Z")
    answers = more.pop("answers", {})
    return {
        "app_id": "0" * 32,
        "archived": False,
        "attachments": {"form.xml": {"content_type": "text/xml", "length": 1103}},
        "build_id": "1" * 32,
        "domain": "synthetic-project",
        "edited_by_user_id": None,
        "edited_on": None,
        "form": {
            "#type": "data",
            "@name": "Synthetic form",
            "@uiVersion": "1",
            "@version": "18",
            "@xmlns": FORMS + kind,
            "case": {
                "@case_id": case,
                "@date_modified": ended,
                "@user_id": "e7ad965c70802884a7a67add763939e8",
                "@xmlns": "http://commcarehq.org/case/transaction/v2",
                "update": {},
            },
            "meta": {
                "@xmlns": "http://openrosa.org/jr/xforms",
                "deviceID": "synthetic",
                "instanceID": name,
                "timeEnd": ended,
                "timeStart": ended,
                "userID": "e7ad965c70802884a7a67add763939e8",
                "username": "synthetic-user",
            },
            **answers,
        },
        "id": name,
        "initial_processing_complete": True,
        "is_phone_submission": True,
        "metadata": {"deviceID": "synthetic", "instanceID": name, "timeEnd": ended, "timeStart": ended},
        "problem": None,
        "received_on": "2026-03-05T09:31:00.000000Z",
        "resource_uri": "",
        "server_modified_on": changed,
        "submit_ip": "192.0.2.1",
        "type": "data",
        "uiversion": "1",
        "version": "18",
    } | more  # fmt: skip


def case(name: str, kind: str, /, *, changed: str = "2026-03-05T10:00:00.000000Z", **properties: str) -> Any:
    """A case as CommCare forwards it in JSON."""
    return {
        "case_id": name,
        "closed": False,
        "date_closed": None,
        "date_modified": changed,
        "domain": "synthetic-project",
        "indices": {},
        "properties": {
            "case_name": "synthetic",
            "case_type": kind,
            "date_opened": "2026-01-01T00:00:00Z",
            "owner_id": "e7ad965c70802884a7a67add763939e8",
            **properties,
        },
        "server_date_modified": changed,
        "server_date_opened": "2026-01-01T00:00:00Z",
        "user_id": "e7ad965c70802884a7a67add763939e8",
        "version": "2.0",
        "xform_ids": ["synthetic"],
    }
