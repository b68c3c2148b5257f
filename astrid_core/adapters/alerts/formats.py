"""How a message becomes bytes, format by format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from astrid_core.adapters.alerts import avro, gcn, tns, voevent
from astrid_core.alerts.config import TnsConfig
from astrid_core.alerts.entities import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of packets."""

    packet: Callable[[Message], bytes]
    media_type: str
    suffix: str
    """Of files."""
    wants_stamps: bool = False


def formats(config: TnsConfig) -> Mapping[str, Format]:
    """Return every format by its name."""
    return {
        "avro": Format(packet=avro.packet, media_type="avro/binary", suffix="avro", wants_stamps=True),
        "gcn": Format(packet=gcn.packet, media_type="application/json", suffix="json"),
        "tns": Format(packet=partial(tns.packet, config=config), media_type="application/json", suffix="json"),
        "voevent": Format(packet=voevent.packet, media_type="application/xml", suffix="xml"),
    }
