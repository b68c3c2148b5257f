"""What an extract is: what it holds, of which state, by which code, and how it may be used and named."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.tables import TABLES
from astrid_core.shared.artifacts import ArtifactRef

MANIFEST, CHECKSUMS = "manifest.json", "SHA256SUMS"
SCHEMA_VERSION = 1
"""Raise when the manifest is to be read differently."""


def manifest_bytes(
    key: str,
    config: ExportConfig,
    *,
    region: str,
    limit_sigma: float,
    code: Mapping[str, str],
    counts: Mapping[str, int],
    files: Mapping[str, ArtifactRef],
) -> bytes:
    """Return the manifest: it names every file by its SHA-256, and no clock shows in it."""
    told = {
        "schema_version": SCHEMA_VERSION,
        "identifier": key,
        "title": config.title,
        "licence": config.licence,
        "citation": citation(key, config),
        "selection": {
            "region": region,
            "statuses": list(config.statuses),
            "min_detections": config.min_detections,
        },
        "settings": {**asdict(config), "limit_sigma": limit_sigma},
        "code": dict(code),
        "counts": dict(counts),
        "columns": {
            table.name: [
                {
                    "name": one.name,
                    "type": one.kind.value,
                    "unit": one.unit,
                    "ucd": one.ucd,
                    "nullable": one.nullable,
                    "description": one.description,
                }
                for one in table.columns
            ]
            for table in TABLES
        },
        "files": {
            name: {"sha256": ref.digest, "bytes": ref.n_bytes, "media_type": ref.media_type}
            for name, ref in sorted(files.items())
        },
    }
    return (json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def checksum_bytes(files: Mapping[str, ArtifactRef]) -> bytes:
    """Return what ``sha256sum --check`` reads."""
    return "".join(f"{ref.digest}  {name}\n" for name, ref in sorted(files.items())).encode()


def citation(key: str, config: ExportConfig) -> str:
    """Return how an extract is named in a text."""
    return config.citation.format(title=config.title, key=key)
