"""Packets are accepted by programs that others wrote, and packets with one fault are not."""

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from fastavro.validation import ValidationError
from jsonschema import Draft202012Validator
from lxml import etree
from referencing import Registry, Resource

from astrid_core.adapters.alerts import avro, gcn, tns, voevent
from astrid_core.alerts.config import TnsConfig
from astrid_core.alerts.entities import AlertKind, Message
from astrid_core.shared.errors import AlertRefused, BadConfiguration
from benchmarks.real_frames import REAL_DATA
from tests.alerts.messages import STAMPS, message

SCHEMAS = Path(os.environ.get("ASTRID_ALERT_SCHEMAS", ""))
"""Schemas of others, which are not ours to give away: folder ``gcn`` of the npm package @nasa-gcn/schema 7.2.3 (NASA),
and VOEvent-v2.0.xsd (IVOA)."""
GCN, VOEVENT = SCHEMAS / "gcn", SCHEMAS / "VOEvent-v2.0.xsd"
PACKETS_OF_OTHERS = REAL_DATA / "alert-packets"
KINDS = list(AlertKind)
BEFORE = UUID(int=5)
TNS = TnsConfig(reporting_group="1", data_source="2", instrument="3", reporter="A. Strid")
PACKETS: dict[str, Callable[[Message], bytes]] = {
    "avro": avro.packet,
    "gcn": gcn.packet,
    "voevent": voevent.packet,
    "tns": lambda one: tns.packet(one, TNS),
}


def schemas() -> Iterator[tuple[str, Resource[Any]]]:
    for path in GCN.glob("*/*.json"):
        text = json.loads(path.read_text())
        yield text["$id"], Resource.from_contents(text)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    if not GCN.is_dir():
        pytest.skip("set ASTRID_ALERT_SCHEMAS to a folder with the schemas of the GCN")
    registry: Registry[Any] = Registry().with_resources(schemas())
    return Draft202012Validator(registry.contents(gcn.SCHEMA), registry=registry)


def read(packet: bytes, *, schema: Any = None) -> dict[str, Any]:
    (record,) = fastavro.reader(io.BytesIO(packet), reader_schema=schema)
    assert isinstance(record, dict)
    return record


@pytest.mark.parametrize("name", PACKETS)
def test_equal_messages_give_equal_bytes_that_hold_the_key(name: str) -> None:
    first, again = (PACKETS[name](message(stamps=STAMPS)) for _ in range(2))
    assert first == again
    assert str(message().alert.key).encode() in first


@pytest.mark.parametrize("kind", KINDS)
def test_an_avro_packet_is_one_of_its_schema_and_says_what_the_catalog_says(kind: AlertKind) -> None:
    told = message(kind, version=3, replaces=BEFORE, stamps=STAMPS)
    record = read(avro.packet(told))
    assert fastavro.validate(record, avro.schema(), strict=True)
    assert record["kind"] == kind.value
    assert record["objectId"] == str(told.announcement.entry.id)
    assert record["replaces"] == str(BEFORE)
    assert record["candidate"]["candid"] == "detect-2:1"
    assert [one["candid"] for one in record["prv_candidates"]] == ["detect-1:1"]
    assert record["candidate"]["jd"] == 60373.25 + 2400000.5
    assert record["cutoutTemplate"]["stampData"] == b"reference"


@pytest.mark.parametrize(("place", "wrong"), [("ra", "north"), ("candidate", None), ("version", 1.5)])
def test_a_faulty_avro_record_is_not_of_the_schema(place: str, wrong: object) -> None:
    record = {**avro.record(message()), place: wrong}
    with pytest.raises(ValidationError):
        fastavro.validate(record, avro.schema())


def test_a_packet_without_magnitude_and_pictures_is_a_packet() -> None:
    record = read(avro.packet(message(mag_ab=None)))
    assert record["candidate"]["magpsf"] is None
    assert record["cutoutScience"] is None


def test_readers_of_every_older_schema_read_every_newer_packet() -> None:
    record = {**avro.record(message(stamps=STAMPS))}
    known = avro.versions()
    assert known[-1] == avro.CURRENT
    for number, writer in enumerate(known):
        buffer = io.BytesIO()
        fastavro.writer(buffer, avro.schema(writer), [record])
        for reader in known[: number + 1]:
            seen = read(buffer.getvalue(), schema=avro.schema(reader))
            assert seen["alertId"] == record["alertId"]
            assert seen["candidate"] == record["candidate"]


@pytest.mark.real
@pytest.mark.skipif(not PACKETS_OF_OTHERS.is_dir(), reason=f"no packets at {PACKETS_OF_OTHERS}; set ASTRID_REAL_DATA")
@pytest.mark.parametrize("name", ["1127561443215015014", "516171791415015025", "1127495406315015005"])
def test_programs_for_packets_of_ztf_find_the_same_things_under_the_same_names(name: str) -> None:
    theirs = read((PACKETS_OF_OTHERS / f"{name}.avro").read_bytes())
    ours = read(avro.packet(message(stamps=STAMPS)))
    assert set(theirs) - set(ours) == {"candid"}
    shared = {"jd", "candid", "isdiffpos", "ra", "dec", "magpsf", "sigmapsf", "rb"}
    assert shared <= theirs["candidate"].keys() & ours["candidate"].keys()
    assert {type(theirs["candidate"][one]) for one in shared - {"candid"}} == {str, float}
    for one in shared - {"candid"}:
        assert type(ours["candidate"][one]) is type(theirs["candidate"][one])
    assert theirs["cutoutScience"].keys() == ours["cutoutScience"].keys()


@pytest.mark.parametrize("change", ["gone", "renamed", "retyped"])
def test_a_schema_that_breaks_older_readers_is_found_out(change: str) -> None:
    newer = json.loads(json.dumps(avro.schema()))
    (field,) = (one for one in newer["fields"] if one["name"] == "kind")
    record = {**avro.record(message())}
    if change == "gone":
        newer["fields"].remove(field)
    elif change == "renamed":
        field["name"], record["sort"] = "sort", "new"
    else:
        field["type"], record["kind"] = "long", 3
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(newer, _force=True), [record])
    with pytest.raises(fastavro.schemaless_reader.__globals__["SchemaResolutionError"]):
        read(buffer.getvalue(), schema=avro.schema("1.0"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_gcn_notice_is_one_of_the_schema(kind: AlertKind, validator: Draft202012Validator) -> None:
    notice = json.loads(gcn.packet(message(kind, replaces=BEFORE)))
    validator.validate(notice)
    assert notice["alert_datetime"] == "2024-03-04T05:06:07.891Z"
    assert notice["data"]["photometry"][1]["trigger_time"] == "2024-03-04T06:00:00.000Z"
    assert (notice["alert_type"] == "retraction") is (kind is AlertKind.RETRACTION)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda notice: notice.update(alert_type="withdrawn"),
        lambda notice: notice.update(ours=1),
        lambda notice: notice.update(alert_tense="yesterday"),
        lambda notice: notice["data"]["targets"][0].update(ra="north"),
        lambda notice: notice["data"]["photometry"][0].update(mag="faint"),
    ],
)
def test_a_faulty_gcn_notice_is_not_of_the_schema(
    break_it: Callable[[dict[str, Any]], None], validator: Draft202012Validator
) -> None:
    notice = json.loads(gcn.packet(message()))
    break_it(notice)
    assert not validator.is_valid(notice)


def test_what_was_seen_long_ago_is_archival() -> None:
    assert json.loads(gcn.packet(message()))["alert_tense"] == "current"
    late = message()
    at = late.announcement.at.replace(month=5)
    object.__setattr__(late.announcement, "at", at)
    assert json.loads(gcn.packet(late))["alert_tense"] == "archival"


@pytest.fixture(scope="module")
def voevent_schema() -> Any:
    if not VOEVENT.is_file():
        pytest.skip("set ASTRID_ALERT_SCHEMAS to a folder with VOEvent-v2.0.xsd")
    return etree.XMLSchema(etree.parse(VOEVENT))


@pytest.mark.parametrize("kind", KINDS)
def test_a_voevent_is_one_of_the_schema_and_cites_what_it_follows(kind: AlertKind, voevent_schema: Any) -> None:
    told = message(kind, version=2, replaces=BEFORE)
    event = etree.fromstring(voevent.packet(told))
    voevent_schema.assertValid(event)
    assert event.get("ivorn") == voevent.ivorn(told.alert.key)
    (cited,) = event.iter("EventIVORN")
    wanted = {AlertKind.RETRACTION: "retraction", AlertKind.CORRECTION: "supersedes"}.get(kind, "followup")
    assert (cited.text, cited.get("cite")) == (voevent.ivorn(BEFORE), wanted)
    assert event.findtext("Who/Date") == "2024-03-04T05:06:07.891"


BROKEN = [(b'role="observation"', b'role="bogus"'), (b"Error2Radius", b"Error2Square"), (b'="2.0"', b'="1.1"')]


@pytest.mark.parametrize(("old", "new"), BROKEN)
def test_a_faulty_voevent_is_not_of_the_schema(old: bytes, new: bytes, voevent_schema: Any) -> None:
    packet = voevent.packet(message()).replace(old, new)
    assert new in packet
    assert not voevent_schema.validate(etree.fromstring(packet))


def test_the_parser_of_others_reads_a_voevent_and_refuses_a_faulty_one() -> None:
    parser = pytest.importorskip(
        "voeventparse", reason="voevent-parse has no wheel, and a file that uv does not unpack"
    )
    event = parser.loads(voevent.packet(message()))
    assert parser.valid_as_v2_0(event)
    place = parser.get_event_position(event)
    assert (place.ra, place.dec) == pytest.approx((150.0, 0.0))
    assert not parser.valid_as_v2_0(parser.loads(voevent.packet(message()).replace(*BROKEN[0])))


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_for_the_name_server_has_what_its_manual_asks_for(kind: AlertKind) -> None:
    report = json.loads(tns.packet(message(kind), TNS))
    assert tns.faults(report) == ()
    (one,) = report["at_report"].values()
    assert one["discovery_datetime"] == "2024-03-02 06:00:00.000"
    assert [point["filter_value"] for point in one["photometry"]["photometry_group"].values()] == ["22", "22"]
    assert ("RETRACTION" in one["remarks"]) is (kind is AlertKind.RETRACTION)


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [
        (lambda one: one.pop("reporter"), "reporter: missing"),
        (lambda one: one["ra"].update(value="361"), "ra: not in"),
        (lambda one: one["dec"].update(value="north"), "dec: not in"),
        (lambda one: one["non_detection"].clear(), "non_detection"),
        (lambda one: one["photometry"]["photometry_group"].clear(), "photometry: none"),
        (lambda one: one["photometry"]["photometry_group"]["0"].update(flux="nan"), "no magnitude"),
        (lambda one: one["photometry"]["photometry_group"]["1"].pop("obsdate"), "obsdate: missing"),
    ],
)
def test_a_faulty_report_is_found_out(break_it: Callable[[dict[str, Any]], None], fault: str) -> None:
    report = json.loads(tns.packet(message(), TNS))
    break_it(report["at_report"]["0"])
    assert any(fault in one for one in tns.faults(report))


def test_an_object_that_cannot_be_reported_is_refused_here() -> None:
    with pytest.raises(AlertRefused, match="photometry: none"):
        tns.packet(message(mag_ab=None), TNS)
    with pytest.raises(BadConfiguration, match="reporting_group"):
        tns.packet(message(), TnsConfig())
