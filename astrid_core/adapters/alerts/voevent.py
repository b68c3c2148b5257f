"""Packets in XML: VOEvent 2.0 of the International Virtual Observatory Alliance."""

from xml.etree import ElementTree as ET

from astrid_core.adapters.alerts.words import PUBLISHER, iso, object_name, time_of
from astrid_core.alerts.entities import AlertKind, Message
from astrid_core.catalog.entities import LightCurvePoint

AUTHORITY = "org.astrid"
"""What our identifiers begin with."""
_NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"
_SCHEMA = f"{_NAMESPACE} http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd"
_RADIUS_ARCSEC = 1.0
"""The format demands a radius. Where an error is not known: detections farther off are of another object."""
_CITES = {
    AlertKind.NEW: "followup",
    AlertKind.UPDATE: "followup",
    AlertKind.CONFIRMED: "followup",
    AlertKind.CORRECTION: "supersedes",
    AlertKind.RETRACTION: "retraction",
}


def ivorn(key: object) -> str:
    """Return the identifier of an alert."""
    return f"ivo://{AUTHORITY}/alerts#{key}"


def packet(message: Message) -> bytes:
    """Return the XML document; equal messages give equal bytes."""
    alert, announcement = message.alert, message.announcement
    root = ET.Element(
        "voe:VOEvent",
        {
            "xmlns:voe": _NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": _SCHEMA,
            "version": "2.0",
            "role": "observation",
            "ivorn": ivorn(alert.key),
        },
    )
    who = ET.SubElement(root, "Who")
    _text(who, "AuthorIVORN", f"ivo://{AUTHORITY}/pipeline")
    _text(who, "Date", iso(announcement.at))
    _text(ET.SubElement(who, "Author"), "title", PUBLISHER)
    _what(root, message)
    _where(root, message)
    why = ET.SubElement(root, "Why", {"importance": f"{announcement.entry.best_score:.6f}"})
    inference = ET.SubElement(why, "Inference", {"probability": f"{announcement.entry.best_score:.6f}"})
    _text(inference, "Name", object_name(announcement.entry))
    _text(inference, "Concept", "process.variation;stat.probability")
    if message.replaces is not None:
        cited = _text(ET.SubElement(root, "Citations"), "EventIVORN", ivorn(message.replaces))
        cited.set("cite", _CITES[alert.kind])
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _what(root: ET.Element, message: Message) -> None:
    alert, announcement = message.alert, message.announcement
    entry, newest = announcement.entry, announcement.newest
    what = ET.SubElement(root, "What")
    for name, value, ucd, unit in (
        ("alert_id", str(alert.key), "meta.id", ""),
        ("object_id", str(entry.id), "meta.id;src", ""),
        ("version", str(alert.version), "meta.version", ""),
        ("kind", alert.kind.value, "meta.code", ""),
        ("status", entry.status.value, "meta.code.status", ""),
        ("n_detections", str(entry.n_detections), "meta.number;obs", ""),
        ("reasons", " ".join(announcement.reasons), "meta.note", ""),
    ):
        _param(what, name, value, ucd=ucd, unit=unit)
    group = ET.SubElement(what, "Group", {"name": "newest", "type": "photometry"})
    for name, value, ucd, unit in _measured(newest):
        _param(group, name, value, ucd=ucd, unit=unit)


def _measured(point: LightCurvePoint) -> list[tuple[str, str, str, str]]:
    found = [
        ("detection", point.detection_id, "meta.id", ""),
        ("band", point.band, "meta.id;instr.bandpass", ""),
        ("mid_mjd", repr(point.mid_mjd), "time.epoch", "d"),
        ("significance", repr(point.significance), "stat.snr", ""),
        ("score", repr(point.score), "stat.probability", ""),
        ("reference", point.reference_digest, "meta.id;meta.ref", ""),
    ]
    if point.mag_ab is not None and point.mag_err is not None:
        found += [
            ("mag_ab", repr(point.mag_ab), "phot.mag", "mag"),
            ("mag_err", repr(point.mag_err), "stat.error;phot.mag", "mag"),
        ]
    return found


def _where(root: ET.Element, message: Message) -> None:
    entry, newest = message.announcement.entry, message.announcement.newest
    location = ET.SubElement(ET.SubElement(root, "WhereWhen"), "ObsDataLocation")
    ET.SubElement(location, "ObservatoryLocation", {"id": "GEOLUN"})
    observation = ET.SubElement(location, "ObservationLocation")
    ET.SubElement(observation, "AstroCoordSystem", {"id": "UTC-ICRS-GEO"})
    coordinates = ET.SubElement(observation, "AstroCoords", {"coord_system_id": "UTC-ICRS-GEO"})
    instant = ET.SubElement(ET.SubElement(coordinates, "Time", {"unit": "s"}), "TimeInstant")
    _text(instant, "ISOTime", iso(time_of(newest.mid_mjd)))
    position = ET.SubElement(coordinates, "Position2D", {"unit": "deg"})
    _text(position, "Name1", "RA")
    _text(position, "Name2", "Dec")
    value = ET.SubElement(position, "Value2")
    _text(value, "C1", repr(entry.position.ra_deg))
    _text(value, "C2", repr(entry.position.dec_deg))
    _text(position, "Error2Radius", f"{(entry.position_err_arcsec or _RADIUS_ARCSEC) / 3600.0:.3e}")


def _param(parent: ET.Element, name: str, value: str, *, ucd: str, unit: str) -> None:
    facts = {"name": name, "value": value, "ucd": ucd}
    ET.SubElement(parent, "Param", facts | ({"unit": unit} if unit else {}))


def _text(parent: ET.Element, tag: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element
