"""Entries of surveys.toml that name an archive on the network."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from astrid_core.adapters.surveys import mast, ps1, skyview
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_policy import HttpPolicy
from astrid_core.adapters.surveys.manifest import ManifestClient, ManifestQuery
from astrid_core.adapters.surveys.mast_query import MastQuery
from astrid_core.adapters.surveys.mirror import Mirror, MirroredClient
from astrid_core.adapters.surveys.product_rules import load_rules
from astrid_core.adapters.surveys.s3_addresses import S3Access
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Survey
from astrid_core.observations.ports import SurveyClient
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import Region, SkyPosition

_COMMON = frozenset({"kind", "description", "truth", "server"})
_HTTP = "http_"
"""Beginning of the keys that set a field of HttpPolicy."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_KINDS = {
    "mast": (MastQuery, mast.SERVER),
    "ps1": (ps1.Ps1Query, ps1.SERVER),
    "skyview": (skyview.SkyViewQuery, skyview.SERVER),
    "manifest": (ManifestQuery, ""),
}


@contextmanager
def open_remote(
    tables: Mapping[str, Mapping[str, Any]], *, mirrors: Path, config: IngestConfig, mast_token: str, s3: S3Access
) -> Iterator[dict[str, SurveyClient]]:
    """Open surveys of archives; those of one server share a client, and so its limits and its circuit."""
    with ExitStack() as stack:
        shared: dict[tuple[str, str, HttpPolicy], HttpClient] = {}
        found: dict[str, SurveyClient] = {}
        for name, table in tables.items():
            try:
                kind, query, server, policy = _read(table)
                key = (kind, server, policy)
                if key not in shared:
                    authorization = _authorization(mast_token, server) if kind == "mast" else ""
                    shared[key] = stack.enter_context(HttpClient(kind, policy, authorization=authorization))
                survey = Survey(name=name, description=table.get("description", ""))
                mirror = Mirror(folder=mirrors / name, config=config)
                found[name] = _client(survey, query, shared[key], mirror, server, s3)
            except BadConfiguration as error:
                raise BadConfiguration(error.message, **{**error.facts, "survey": name}) from error
        yield found


def _authorization(token: str, server: str) -> str:
    parts = urlsplit(server)
    if token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise BadConfiguration("a token must not travel over http: use https", server=server)
    return f"token {token}" if token else ""


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _client(
    survey: Survey, query: object, http: HttpClient, mirror: Mirror, server: str, s3: S3Access
) -> MirroredClient:
    match query:
        case ManifestQuery():
            return ManifestClient(survey, query, http, mirror, s3=s3)
        case MastQuery():
            return mast.MastClient(survey, query, http, mirror, rules=load_rules(), server=server)
        case ps1.Ps1Query():
            return ps1.Ps1Client(survey, query, http, mirror, server=server)
        case skyview.SkyViewQuery():
            return skyview.SkyViewClient(survey, query, http, mirror, server=server)
        case _:
            raise TypeError(f"no client answers a {type(query).__name__}")


def _read(table: Mapping[str, Any]) -> tuple[str, object, str, HttpPolicy]:
    kind = table["kind"]
    if kind not in _KINDS:
        raise BadConfiguration("unknown kind of survey", kind=kind, known=", ".join(("folder", *_KINDS)))
    query_type, public = _KINDS[kind]
    http = {key.removeprefix(_HTTP): value for key, value in table.items() if key.startswith(_HTTP)}
    own = {key: value for key, value in table.items() if key not in _COMMON and not key.startswith(_HTTP)}
    query = _built(query_type, own)
    if isinstance(query, ManifestQuery):
        if "server" in table:
            raise BadConfiguration("unknown key: a manifest is where its location says", key="server")
        return kind, query, query.server, typing.cast("HttpPolicy", _built(HttpPolicy, http, prefix=_HTTP))
    server = table.get("server", public)
    if not isinstance(server, str) or not _is_address(server):
        raise BadConfiguration("a server has an address like https://mast.stsci.edu", server=server)
    policy = _built(HttpPolicy, http, prefix=_HTTP)
    return kind, query, server, typing.cast("HttpPolicy", policy)


def _built(kind: type[Any], table: Mapping[str, Any], *, prefix: str = "") -> object:
    """Return a settings class filled from a table; BadConfiguration for unknown, missing and mistyped keys."""
    fields = {one.name: one for one in dataclasses.fields(kind)}
    if unknown := sorted(set(table) - set(fields)):
        known = ", ".join(f"{prefix}{name}" for name in sorted(fields))
        raise BadConfiguration("unknown key", key=f"{prefix}{unknown[0]}", known=known)
    required = {name for name, one in fields.items() if one.default is dataclasses.MISSING}
    if missing := sorted(required - set(table)):
        raise BadConfiguration("a key is missing", key=missing[0])
    types_ = typing.get_type_hints(kind)
    return kind(**{key: _value(value, types_[key], f"{prefix}{key}") for key, value in table.items()})


def _value(value: Any, kind: Any, key: str) -> Any:
    """Return a value of TOML as the type of a field wants it."""
    if isinstance(kind, types.UnionType):
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise BadConfiguration("a key needs a list", key=key, got=value)
        return tuple(_value(one, typing.get_args(kind)[0], key) for one in value)
    try:
        if kind is Region and isinstance(value, str):
            return Region.parse(value)
        if kind is SkyPosition and isinstance(value, str):
            ra, dec = value.split()
            return SkyPosition(ra_deg=float(ra), dec_deg=float(dec))
    except ValueError as error:
        raise BadConfiguration("a place on the sky cannot be read", key=key, got=value, cause=str(error)) from error
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise BadConfiguration("a key has a value of another type", key=key, got=value, needs=kind.__name__)
    return value
