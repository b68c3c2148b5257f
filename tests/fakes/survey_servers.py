"""What archives on the network answer, made of files in memory: each function is the ``answer`` of an ArchiveServer."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from tests.fakes.archive_server import Asked, Reply, ranged

Answer = Callable[[Asked], Reply]
FORM_TAIL = "</select></form></html>"


def mast(files: Mapping[str, bytes], *, page_size: int = 2, mission: str = "TEST") -> Answer:
    """One observation per file; data URI ``mast:NAME``; at most ``page_size`` rows a page, whatever is asked for."""
    names = sorted(files)

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/v0.1/Download/file":
            name = asked.query["uri"].removeprefix("mast:")
            return ranged(asked, files[name], etag=f'"{hash(files[name])}"') if name in files else Reply(status=404)
        request = json.loads(asked.form["request"])
        if request["service"] == "Mast.Caom.Filtered.Position":
            rows = [_observation(number, name) | {"obs_collection": mission} for number, name in enumerate(names)]
        else:
            wanted = [int(one) for one in request["params"]["obsid"].split(",")]
            rows = [_product(number, names[number], len(files[names[number]])) for number in wanted]
        return mashup(rows, page=request["page"], page_size=min(page_size, request["pagesize"]))

    return answer


def mashup(rows: list[dict[str, Any]], *, page: int = 1, page_size: int = 2000) -> Reply:
    """Return a page of rows as MAST writes it."""
    here = rows[(page - 1) * page_size : page * page_size]
    columns = rows[0] if rows else _observation(0, "x") | _product(0, "x", 1)
    body = {
        "status": "COMPLETE",
        "msg": "",
        "data": here,
        "fields": [{"name": name, "type": "string"} for name in columns],
        "paging": {
            "page": page,
            "pageSize": page_size,
            "pagesFiltered": max(math.ceil(len(rows) / page_size), 1),
            "rows": len(here),
            "rowsFiltered": len(rows),
            "rowsTotal": len(rows),
        },
    }
    return Reply(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def ps1(files: Mapping[str, bytes], *, kind: str = "warp") -> Answer:
    """Every file is an image of its own at every position; a name ending in ``.wt.fits`` or the like is a map."""

    def answer(asked: Asked) -> Reply:
        if asked.path != "/cgi-bin/ps1filenames.py":
            name = asked.path.removeprefix("/")
            return ranged(asked, files[name], etag=f'"{hash(files[name])}"') if name in files else Reply(status=404)
        lines = ["projcell subcell ra dec filter mjd type filename shortname badflag"]
        for name in files:
            maps = [one for one in ("wt", "mask", "exp") if name.endswith(f".{one}.fits")]
            stem = name.removesuffix(f".{maps[0]}.fits") if maps else name.removesuffix(".fits")
            number = sorted({one.split(".")[0] for one in files}).index(stem.split(".")[0])
            what = f"{kind}.{maps[0]}" if maps else kind
            lines.append(f"1234 {number:03d} 150.0 2.0 r {60800 + number}.25 {what} /{name} {name.split('/')[-1]} 0")
        return Reply(body="\n".join(lines).encode(), headers={"Content-Type": "text/plain"})

    return answer


def skyview(files: Mapping[str, bytes]) -> Answer:
    """Every file is a survey of that name; SkyView makes the same image of it everywhere."""
    numbers = {name: number for number, name in enumerate(files)}
    by_path = {f"/tempspace/fits/skv{number}_1.fits": name for name, number in numbers.items()}

    def answer(asked: Asked) -> Reply:
        if asked.path == "/current/cgi/query.pl":
            options = "".join(f"<option>{escape(name)}</option>" for name in files)
            return page(f"<html><form><select NAME='survey' id='Optical'>{options}{FORM_TAIL}")
        if asked.path == "/current/cgi/runquery.pl":
            number = numbers[asked.query["survey"]]
            return page(
                f"<html>\nsurveySettings[1] = x\nx['_meta_pixelunits']='counts'\nx['_meta_epoch']='2008-2012'\n"
                f"Download <a href=../../tempspace/fits/skv{number}_1.fits>FITS</a>"
                f" or <a href=../../tempspace/fits/skv{number}_1.jpg>jpeg</a></html>"
            )
        name = by_path.get(asked.path)
        return Reply(status=404) if name is None else ranged(asked, files[name], etag=f'"{hash(files[name])}"')

    return answer


def manifest(files: Mapping[str, bytes], *, checksums: bool = True) -> Answer:
    """A list of all files at /list.csv, which lie beside it."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/list.csv":
            lines = ["url,size,sha256"]
            for name, content in files.items():
                sha256 = hashlib.sha256(content).hexdigest() if checksums else ""
                lines.append(f"{quote(name)},{len(content)},{sha256}")
            return Reply(body="\n".join(lines).encode(), headers={"Content-Type": "text/csv"})
        name = unquote(asked.path.removeprefix("/"))
        return ranged(asked, files[name], etag=f'"{hash(files[name])}"') if name in files else Reply(status=404)

    return answer


def page(text: str) -> Reply:
    return Reply(body=text.encode(), headers={"Content-Type": "text/html"})


def _observation(number: int, name: str) -> dict[str, Any]:
    return {
        "obsid": number,
        "obs_id": name,
        "obs_collection": "TEST",
        "dataproduct_type": "image",
        "filters": "r",
        "s_ra": 150.0,
        "s_dec": 2.0,
        "s_region": "POLYGON ICRS 149.9 1.9 150.1 1.9 150.1 2.1 149.9 2.1 149.9 1.9",
    }


def _product(number: int, name: str, n_bytes: int) -> dict[str, Any]:
    return {
        "obsID": number,
        "obs_collection": "TEST",
        "dataURI": f"mast:{name}",
        "productFilename": name.rsplit("/", maxsplit=1)[-1],
        "productType": "SCIENCE",
        "size": n_bytes,
    }
