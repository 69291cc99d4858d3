"""JSON Schemas of the answers, read off answers about nothing: every key is always there, so these name them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudplow.distribution import distribution_document
from cloudplow_dashboard.state import exports
from cloudplow_dashboard.state.account_table import AccountTable
from cloudplow_dashboard.state.bounded import FileEntry, PastSessions
from cloudplow_dashboard.state.history import METRICS, History
from cloudplow_dashboard.state.series import COUNTED
from cloudplow_dashboard.state.stages import StageBoard
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import PARTS, UploaderState
from cloudplow_dashboard.web import compat, overview

Schema = dict[str, Any]

#: Any JSON document; the shape depends on what is in it.
ANYTHING: Final[Schema] = {"type": "object"}
ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


def like(example: Any, **members: Schema) -> Schema:
    """The schema of what has the shape of an example; members: schemas of those that the example does not show."""
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, int | float):
        return {"type": "number"}
    if isinstance(example, str):
        return {"type": "string"}
    if isinstance(example, list | tuple):
        return {"type": "array", "items": like(example[0]) if example else {}}
    assert isinstance(example, Mapping)
    properties = {key: members.get(key) or like(value) for key, value in example.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def by_name(schema: Schema) -> Schema:
    """An object whose members, by name or number, all have one schema."""
    return {"type": "object", "additionalProperties": schema}


def several(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def optional(schema: Schema) -> Schema:
    """The same for a document of an older installation, in which any key may be missing."""
    inner = {key: optional(value) for key, value in schema.get("properties", {}).items()}
    return {key: value for key, value in schema.items() if key != "required"} | ({"properties": inner} if inner else {})


_NUMBERS: Final = several({"type": "number"})
_NAMES: Final = several({"type": "string"})
_SIZES: Final = optional(like(distribution_document((), source="", upload_folder="", duration_seconds=0, now=0)))
_BLANK: Final = UploaderState("")
_STATE: Final = DashboardState(clock=lambda: 0.0, boot="boot")
_TRANSFERRING: Final = {"name": "", "size": 0, "bytes": 0, "speed": 0, "eta_seconds": -1, "percentage": 0}


def _account_row() -> dict[str, Any]:
    table = AccountTable()
    table.change("1.json")
    return table.rows["1.json"]


def available(data: Schema) -> Schema:
    """`{available, data}`."""
    return {
        "type": "object",
        "properties": {"available": {"type": "boolean"}, "data": data},
        "required": ["available", "data"],
    }


def _data(answer: Mapping[str, Any], **members: Schema) -> Schema:
    return available(like(answer["data"], **members))


def _uploader() -> Schema:
    """One uploader of the state document."""
    blank = {name: _BLANK.part(name, 0) for name in PARTS}
    board = StageBoard()
    board.finish(1, "1.json", 0, 0, "")
    stages = several(like(board.document()["stages"][0]))
    past = PastSessions()
    past.add({})
    failure = {"at": 0, "name": "", "error": "", "account": "", "stage": 0}
    return like(
        blank,
        session=like(blank["session"], accounts_used=_NAMES),
        progress=like(blank["progress"], transferring=by_name(like(_TRANSFERRING)), checking=_NAMES),
        queue=like(blank["queue"], distribution=_SIZES),
        plan=like(blank["plan"], stages=stages, later=stages),
        accounts=by_name(like(_account_row())),
        accounts_summary=like(blank["accounts_summary"], states=by_name({"type": "number"})),
        failures=by_name(like(failure)),
        sessions=several(like(past.document()[0])),
    )


def _state_document() -> Schema:
    fact = {"seq": 1, "at": 0, "uploader": "", "kind": "", "text": ""}
    return like(_STATE.document(), uploaders=by_name(_uploader()), facts=by_name(like(fact)))


def _session_export() -> Schema:
    session = like(_BLANK.session, accounts_used=_NAMES)
    entry = like(FileEntry(0, "", "", 0, "", 0, "")._asdict())
    head = {"uploader": "", "session": {}, "files_total": 0, "truncated": False, "files": []}
    return like(head, session=session, files=several(entry))


_ROW: Final = compat.rclone_stats(None)["data"]
_FILE: Final = compat.file_row(_TRANSFERRING)

HEALTH: Final = like(_STATE.health())
STATUS: Final = like(compat.status(None))
SESSION_STATS: Final = _data(compat.session_stats(None, 0), sas_used=_NAMES)
SERVICE_ACCOUNTS: Final = several(like(compat.account_row("", "", _account_row(), 0)))
RCLONE_STATS: Final = available(like(_ROW, transferring=several(like(_FILE)), checking=_NAMES))
#: Of one uploader, or of each by its name.
DOCUMENTS: Final = available({"anyOf": [_SIZES, by_name(_SIZES)]})
QUEUE_STATUS: Final = available(
    {
        "type": "object",
        "properties": {
            "stage_params": ANYTHING,
            "queue_stats": like(compat.queue_status(None)["data"]["queue_stats"], checking=_NAMES),
        },
        "required": ["stage_params", "queue_stats"],
    }
)
UPLOADERS: Final[Schema] = {
    "type": "object",
    "properties": {"uploaders": by_name(like(overview.line(_BLANK, 0)))},
    "required": ["uploaders"],
}
SUMMARY: Final = like(overview.summary(None, _STATE.health(), 0))
STATE: Final = _state_document()
SESSION_EXPORT: Final = _session_export()
HISTORY_EXPORT: Final = like(exports.history_json("", 1, [(0, [0.0] * len(COUNTED))]))
HISTORY: Final = like(
    History(lambda: 0.0).query("speed", None, 0, 0),
    metric={"type": "string", "enum": list(METRICS)},
    points=several(_NUMBERS),
    accounts=by_name(by_name(several(_NUMBERS))),
)
