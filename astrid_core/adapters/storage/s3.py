"""Artifacts in an S3 bucket: Amazon's, Cloudflare R2, MinIO or any other."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from astrid_core.adapters.storage.names import object_name, verified
from astrid_core.adapters.storage.s3_care import is_let_be, objects_of, remove_object, renew
from astrid_core.adapters.storage.s3_errors import EXPECTED, is_missing, is_taken, translated
from astrid_core.shared.artifacts import ArtifactRef, StoredArtifact, chunks, describe, describe_file
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, MissingArtifact

T = TypeVar("T")

_MULTIPART_BYTES = 64 * 2**20
"""Larger artifacts travel in parts, so that a broken connection costs one part and not all of it."""
_SMALLEST_PART_BYTES = 5 * 2**20
"""S3 refuses smaller parts, except the last."""


def connect(
    *,
    endpoint_url: str | None,
    region: str,
    access_key_id: str | None,
    secret_access_key: str | None,
    max_attempts: int = 5,
    anonymous: bool = False,
) -> Any:
    """Return an S3 client; without keys it uses those that boto3 finds (environment, profile, instance role).

    An ``anonymous`` one uses none, for public buckets.
    """
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url,
            # R2 wants "auto", Amazon knows no such region and is asked in the one that its own settings name.
            region_name=region if endpoint_url or region != "auto" else None,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(
                s3={"addressing_style": "path"},
                signature_version=UNSIGNED if anonymous else "s3v4",
                retries={"mode": "standard", "max_attempts": max_attempts},
                connect_timeout=10,
                read_timeout=60,
                # Not every S3 knows Amazon's newer checksums; ours is the name of the object.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
    except ValueError as error:
        raise BadConfiguration("object store has no usable address", endpoint=endpoint_url, cause=str(error)) from error
    except BotoCoreError as error:
        raise translated(error, where=endpoint_url or "Amazon S3") from error


class S3Artifacts:
    """Content-addressed objects; every write asks the store not to overwrite (If-None-Match)."""

    def __init__(self, client: Any, *, bucket: str, prefix: str = "", multipart_bytes: int = _MULTIPART_BYTES) -> None:
        if multipart_bytes < _SMALLEST_PART_BYTES:
            message = f"multipart_bytes must be at least {_SMALLEST_PART_BYTES}, not {multipart_bytes}"
            raise ValueError(message)
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._multipart_bytes = multipart_bytes

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        """Store ``content``; raise CorruptArtifact if its name is taken by other bytes."""
        return self._put(io.BytesIO(content), describe(content, media_type=media_type))

    def put_file(self, path: Path, *, media_type: str) -> ArtifactRef:
        """Store what is in a file; raise CorruptArtifact if its name is taken by other bytes."""
        ref = describe_file(path, media_type=media_type)
        with path.open("rb") as content:
            return self._put(content, ref)

    def get(self, digest: str) -> bytes:
        """Return the verified bytes."""
        return _once_more(self._read, digest)

    def contains(self, digest: str) -> bool:
        """Tell whether the object is there."""
        try:
            self._client.head_object(**self._address(digest))
        except EXPECTED as error:
            if is_missing(error):
                return False
            raise translated(error, where=self._where(digest)) from error
        return True

    def size(self, digest: str) -> int:
        """Return the length of the object."""
        try:
            found: int = self._client.head_object(**self._address(digest))["ContentLength"]
        except EXPECTED as error:
            if is_missing(error):
                raise MissingArtifact("no such artifact", digest=digest, where=self._where("")) from error
            raise translated(error, where=self._where(digest)) from error
        return found

    def part(self, digest: str, *, start: int, n_bytes: int) -> bytes:
        """Return a part of the object, unverified."""
        # A range behind the end is an error to S3, and one of no bytes cannot be written.
        n_there = min(n_bytes, self.size(digest) - start)
        if n_there <= 0:
            return b""
        wanted = f"bytes={start}-{start + n_there - 1}"
        try:
            content: bytes = self._client.get_object(**self._address(digest), Range=wanted)["Body"].read()
        except EXPECTED as error:
            raise translated(error, where=self._where(digest)) from error
        return content

    def entries(self, *, behind: str = "") -> Iterator[StoredArtifact]:
        """Yield the objects in the order of their digests."""
        start = self._address(behind)["Key"] if behind else ""
        return objects_of(self._client, bucket=self._bucket, prefix=self._prefix, behind=start)

    def remove(self, digest: str, *, before: datetime) -> bool:
        """Delete an object that was put last before a time, and tell whether it was deleted."""
        return remove_object(self._client, self._address(digest), before=before)

    def _read(self, digest: str) -> bytes:
        try:
            content: bytes = self._client.get_object(**self._address(digest))["Body"].read()
        except EXPECTED as error:
            if is_missing(error):
                raise MissingArtifact("no such artifact", digest=digest, where=self._where("")) from error
            raise translated(error, where=self._where(digest)) from error
        return verified(content, digest, where=self._where(digest))

    def _put(self, content: BinaryIO, ref: ArtifactRef) -> ArtifactRef:
        address = self._address(ref.digest)
        try:
            while True:
                is_new = self._put_new(content, ref)
                is_there = is_new or renew(self._client, address, media_type=ref.media_type)
                if is_there and is_let_be(self._client, address):
                    break
                content.seek(0)
        except EXPECTED as error:
            raise translated(error, where=self._where(ref.digest)) from error
        if not is_new:
            # It is there, or somebody was faster; what they wrote must be the same.
            _once_more(self._verify, ref.digest)
        return ref

    def _put_new(self, content: BinaryIO, ref: ArtifactRef) -> bool:
        """Write the object unless it is there, and tell whether it was written."""
        if self.contains(ref.digest):
            return False
        try:
            if ref.n_bytes > self._multipart_bytes:
                self._put_parts(content, ref)
            else:
                self._client.put_object(
                    **self._address(ref.digest), Body=content.read(), ContentType=ref.media_type, IfNoneMatch="*"
                )
        except EXPECTED as error:
            if is_taken(error):
                return False
            raise
        return True

    def _verify(self, digest: str) -> None:
        for _ in chunks(self, digest):
            pass  # what is read is compared with its digest

    def _put_parts(self, content: BinaryIO, ref: ArtifactRef) -> None:
        address = self._address(ref.digest)
        upload = self._client.create_multipart_upload(**address, ContentType=ref.media_type)["UploadId"]
        with ExitStack() as undo:
            undo.callback(self._abort, address, upload)
            parts = []
            for number, part in enumerate(iter(lambda: content.read(self._multipart_bytes), b""), start=1):
                sent = self._client.upload_part(**address, UploadId=upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            self._client.complete_multipart_upload(
                **address, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
            undo.pop_all()

    def _abort(self, address: dict[str, str], upload: str) -> None:
        """Give back the parts; where even that fails, the bucket's own lifecycle rule must."""
        try:
            self._client.abort_multipart_upload(**address, UploadId=upload)
        except (BotoCoreError, ClientError):
            return

    def _address(self, digest: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + object_name(digest)}

    def _where(self, digest: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{object_name(digest) if digest else ''}"


def _once_more(read: Callable[[str], T], digest: str) -> T:
    """Read again what is corrupt: bytes that changed on the way are right then, those that rotted in the store not."""
    try:
        return read(digest)
    except CorruptArtifact:
        return read(digest)
