"""Pixels around a detection, as numbers: the browser stretches them."""

import threading
from collections import OrderedDict
from functools import partial
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from astrid_core.adapters.db.reading.detections import find_detection
from astrid_core.adapters.db.reading.pages import Facts
from astrid_core.differencing.added_light import read_light, with_light
from astrid_core.differencing.stored_planes import (
    PLANES,
    DifferenceLayout,
    Part,
    Turn,
    read_layout,
    read_stamp,
    turn_at,
    turned,
)
from astrid_core.shared.artifacts import ArtifactStore
from astrid_core.shared.errors import MissingArtifact
from include.api.context import Context, context_of
from include.api.etags import is_known, not_modified
from include.api.identity import Reader
from include.api.routes.detections import DetectionId

router = APIRouter(tags=["detections"])
_KEPT_LAYOUTS = 500
_MOST_HALF = 256
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}

_layouts: OrderedDict[str, DifferenceLayout] = OrderedDict()
_lock = threading.Lock()


@router.get(
    "/detections/{detection_id}/pixels",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def pixels(
    _: Reader,
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    detection_id: DetectionId,
    half_pix: Annotated[int, Query(ge=1, le=_MOST_HALF)] = 31,
    planes: Annotated[Literal["3", "4"], Query(description="4: with the score image behind.")] = "3",
) -> Response:
    """Give float32 (little endian) planes science, reference, difference; ``X-Astrid-*`` headers tell the rest.

    Lines run from the top down. With sky coordinates north is up and east to the left, as near as right angles and a
    mirror allow; the orientation names the angle that remains.
    """
    async with context.reading.reading() as connection:
        facts = await find_detection(connection, detection_id)
    if facts["difference_digest"] is None:
        raise MissingArtifact("no pixels were kept of this difference", detection=detection_id)
    tag = f'"{facts["difference_digest"][:40]}-{facts["number"]}-{half_pix}-{planes}"'
    if is_known(request, tag):
        return not_modified(tag, _FOREVER)
    names = PLANES[: int(planes)]
    cut = partial(_cut, context.services.artifacts, facts, names=names, half_pix=half_pix)
    content, turn = await to_thread.run_sync(cut)
    size = 2 * half_pix + 1
    orientation = "frame; y=up" if turn.off_deg is None else f"sky; north=up; east=left; off_deg={turn.off_deg:.3f}"
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "ETag": tag,
            **_FOREVER,
            # Noise does not shrink: packing on the way would only take time.
            "Content-Encoding": "identity",
            "X-Astrid-Shape": f"{len(names)},{size},{size}",
            "X-Astrid-Planes": ",".join(names),
            "X-Astrid-Orientation": orientation,
            "X-Astrid-Scale-Arcsec": ""
            if facts["pixel_scale_arcsec"] is None
            else f"{facts['pixel_scale_arcsec']:.6g}",
        },
    )


def _cut(artifacts: ArtifactStore, facts: Facts, *, names: tuple[str, ...], half_pix: int) -> tuple[bytes, Turn]:
    digest = facts["difference_digest"]

    def part(start: int, n_bytes: int) -> bytes:
        return artifacts.part(digest, start=start, n_bytes=n_bytes)

    layout = _layout(digest, part)
    where = {"x_pix": facts["x_pix"], "y_pix": facts["y_pix"]}
    stamp = read_stamp(part, layout, names, half_pix=half_pix, **where)
    if light := facts.get("light_digest"):
        stamp = with_light(stamp, read_light(artifacts.get(light)))
    turn = turn_at(layout.wcs, **where)
    return turned(stamp, turn).astype("<f4").tobytes(), turn


def _layout(digest: str, part: Part) -> DifferenceLayout:
    with _lock:
        if digest in _layouts:
            _layouts.move_to_end(digest)
            return _layouts[digest]
    found = read_layout(part)
    with _lock:
        _layouts[digest] = found
        if len(_layouts) > _KEPT_LAYOUTS:
            _layouts.popitem(last=False)
    return found
