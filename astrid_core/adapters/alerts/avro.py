"""Packets in Avro: one file with its schema inside, shaped as those of the Zwicky Transient Facility."""

import io
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import fastavro

from astrid_core.adapters.alerts.words import JD_OF_MJD, PUBLISHER, finite, iso
from astrid_core.alerts.entities import Message
from astrid_core.catalog.entities import LightCurvePoint

CURRENT = "1.1"
"""Version of the schema that is written; older ones can be read with it, and its packets by readers of older ones."""
_FOLDER = "schemas"


def versions() -> tuple[str, ...]:
    """Return every version of the schema, oldest first."""
    found = [one.name for one in (files(__package__) / _FOLDER).iterdir() if one.is_dir()]
    return tuple(sorted(found, key=lambda name: tuple(int(part) for part in name.split("."))))


@cache
def schema(version: str = CURRENT) -> Any:
    """Return a version of the schema."""
    return fastavro.parse_schema(json.loads((files(__package__) / _FOLDER / version / "alert.avsc").read_text()))


def packet(message: Message) -> bytes:
    """Return an Avro object container file with one record; equal messages give equal bytes."""
    buffer = io.BytesIO()
    # Left to itself, the writer would separate blocks by random bytes.
    fastavro.writer(buffer, schema(), [record(message)], codec="null", sync_marker=message.alert.key.bytes)
    return buffer.getvalue()


def record(message: Message) -> Mapping[str, object]:
    """Return what the packet says."""
    alert, announcement = message.alert, message.announcement
    entry = announcement.entry
    stamps = message.stamps
    name = f"{alert.key}_%s.fits.gz"
    pictures = {
        "cutoutScience": stamps and {"fileName": name % "science", "stampData": stamps.science},
        "cutoutTemplate": stamps and {"fileName": name % "reference", "stampData": stamps.reference},
        "cutoutDifference": stamps and {"fileName": name % "difference", "stampData": stamps.difference},
    }
    return {
        "schemavsn": CURRENT,
        "publisher": PUBLISHER,
        "alertId": str(alert.key),
        "objectId": str(entry.id),
        "version": alert.version,
        "kind": alert.kind.value,
        "status": entry.status.value,
        "announced": iso(announcement.at),
        "ndet": entry.n_detections,
        "jdstarthist": entry.first_mjd + JD_OF_MJD,
        "jdendhist": entry.last_mjd + JD_OF_MJD,
        "ra": entry.position.ra_deg,
        "dec": entry.position.dec_deg,
        "candidate": _candidate(announcement.newest),
        "prv_candidates": [_candidate(point) for point in announcement.points[:-1]] or None,
        **pictures,
        "replaces": str(message.replaces) if message.replaces else None,
        "reasons": list(announcement.reasons),
    }


def _candidate(point: LightCurvePoint) -> dict[str, object]:
    return {
        "jd": point.mid_mjd + JD_OF_MJD,
        "band": point.band,
        "candid": point.detection_id,
        "observation": point.observation_id,
        "ra": point.position.ra_deg,
        "dec": point.position.dec_deg,
        "isdiffpos": "t" if point.significance >= 0.0 else "f",
        "flux": point.flux,
        "sigmaflux": point.flux_err,
        "magpsf": finite(point.mag_ab),
        "sigmapsf": finite(point.mag_err),
        "scorr": point.significance,
        "rb": point.score,
        "reference": point.reference_digest,
    }
