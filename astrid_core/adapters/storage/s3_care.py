"""What is in a bucket, and how an object leaves it while others write.

S3 cannot delete on the condition that nobody wrote since. So who deletes raises a flag first, and looks at the object's
time behind that; who has put bytes looks for the flag behind that. The bucket shows every write to whoever asks after
it: at least one of the two sees the other, and gives way.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from boto3.s3.transfer import TransferConfig

from astrid_core.adapters.storage.names import digest_of
from astrid_core.adapters.storage.s3_errors import EXPECTED, is_missing, translated
from astrid_core.shared.artifacts import StoredArtifact
from astrid_core.shared.errors import StorageUnavailable

_FLAGS = "deleting/"
_FLAG_ENDS = timedelta(minutes=15)
"""An older flag was left behind by a process that died: no deletion takes so long, its repetitions included."""
_HURRY_S = 60.0
"""A deleter that was held up for longer than this gives up."""
_WAIT_S, _N_WAITS = 0.2, 50
_FRESH = timedelta(hours=1)
"""Times that are younger are not renewed: a copy costs a request, and what is collected is days old."""
_COPY_AT_ONCE_BYTES = 5 * 2**30


def objects_of(client: Any, *, bucket: str, prefix: str, behind: str) -> Iterator[StoredArtifact]:
    """Yield the objects in the order of their digests, those behind the key ``behind``, a thousand a request."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{prefix}sha256/", StartAfter=behind
    )
    try:
        for page in pages:
            for one in page.get("Contents", []):
                digest = digest_of(one["Key"])
                if digest:
                    yield StoredArtifact(digest=digest, n_bytes=one["Size"], modified=one["LastModified"])
    except EXPECTED as error:
        raise translated(error, where=f"s3://{bucket}/{prefix}") from error


def renew(client: Any, address: Mapping[str, str], *, media_type: str) -> bool:
    """Give an object the time of now, and tell whether it is there."""
    try:
        found = client.head_object(**address)
        if _age(found) > _FRESH:
            client.copy(
                dict(address), address["Bucket"], address["Key"],
                ExtraArgs={"MetadataDirective": "REPLACE", "ContentType": media_type},
                Config=TransferConfig(multipart_threshold=_COPY_AT_ONCE_BYTES, use_threads=False),
            )  # fmt: skip
    except EXPECTED as error:
        if is_missing(error):
            return False
        raise
    return True


def is_let_be(client: Any, address: Mapping[str, str]) -> bool:
    """Tell whether nobody was deleting the object when it was put; if somebody was, return when they have ended."""
    for n_waits in range(_N_WAITS):
        try:
            flag = client.head_object(**_flag(address))
        except EXPECTED as error:
            if is_missing(error):
                return n_waits == 0
            raise
        if _age(flag) > _FLAG_ENDS:
            return True
        time.sleep(_WAIT_S)
    raise StorageUnavailable("the same bytes are being deleted", key=address["Key"])


def remove_object(client: Any, address: Mapping[str, str], *, before: datetime) -> bool:
    """Delete an object that was put last before a time, and tell whether it was deleted."""
    try:
        client.put_object(**_flag(address), Body=b"")
        raised_s = time.monotonic()
        try:
            if client.head_object(**address)["LastModified"] >= before:
                return False
            if time.monotonic() - raised_s > _HURRY_S:
                raise StorageUnavailable("object store is too slow for a safe deletion", key=address["Key"])
            client.delete_object(**address)
        finally:
            client.delete_object(**_flag(address))
    except EXPECTED as error:
        if is_missing(error):
            return False
        raise translated(error, where=f"s3://{address['Bucket']}/{address['Key']}") from error
    return True


def _flag(address: Mapping[str, str]) -> dict[str, str]:
    before, _, behind = address["Key"].rpartition("sha256/")
    return {"Bucket": address["Bucket"], "Key": f"{before}{_FLAGS}{behind}"}


def _age(found: Mapping[str, Any]) -> timedelta:
    """Return how old an object is by the store's own clock."""
    age: timedelta = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"]) - found["LastModified"]
    return age
