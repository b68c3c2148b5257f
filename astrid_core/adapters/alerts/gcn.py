"""Packets in JSON, by the schema ``boom/alert`` of the General Coordinates Network (optical alerts)."""

import json
from collections.abc import Mapping
from datetime import timedelta

from astrid_core.adapters.alerts.words import PUBLISHER, finite, iso, object_name, time_of
from astrid_core.alerts.entities import AlertKind, Message
from astrid_core.catalog.entities import LightCurvePoint

SCHEMA = "https://gcn.nasa.gov/schema/v7.2.3/gcn/notices/boom/alert.schema.json"
_TYPES = {
    AlertKind.NEW: "initial",
    AlertKind.UPDATE: "subsequent",
    AlertKind.CONFIRMED: "update",
    AlertKind.CORRECTION: "update",
    AlertKind.RETRACTION: "retraction",
}
_RECENT = timedelta(days=3)
"""An announcement of what was seen longer ago is one of archival data."""


def packet(message: Message) -> bytes:
    """Return the JSON document; equal messages give equal bytes."""
    return json.dumps(document(message), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def document(message: Message) -> Mapping[str, object]:
    """Return what the packet says."""
    alert, announcement = message.alert, message.announcement
    entry = announcement.entry
    name = object_name(entry)
    is_recent = announcement.at - time_of(announcement.newest.mid_mjd) < _RECENT
    return {
        "$schema": SCHEMA,
        "alert_datetime": f"{iso(announcement.at)}Z",
        "alert_tense": "current" if is_recent else "archival",
        "alert_type": _TYPES[alert.kind],
        "mission": PUBLISHER,
        "messenger": "EM",
        "record_number": alert.version,
        "data": {
            "alert_id": str(alert.key),
            "kind": alert.kind.value,
            "reasons": list(announcement.reasons),
            "replaces": str(message.replaces) if message.replaces else None,
            "targets": [
                {
                    "event_name": name,
                    "id": str(entry.id),
                    "ra": entry.position.ra_deg,
                    "dec": entry.position.dec_deg,
                    "status": entry.status.value,
                    "n_detections": entry.n_detections,
                    "classification_scores": {"real": entry.best_score},
                }
            ],
            "photometry": [_point(name, point) for point in announcement.points],
        },
    }


def _point(name: str, point: LightCurvePoint) -> dict[str, object]:
    measured = {"mag": finite(point.mag_ab), "mag_error": finite(point.mag_err)}
    return {
        "event_name": name,
        "id": point.detection_id,
        "trigger_time": f"{iso(time_of(point.mid_mjd))}Z",
        "filter": point.band,
        "mag_system": "AB",
        "significance": point.significance,
        **{key: value for key, value in measured.items() if value is not None},
    }
