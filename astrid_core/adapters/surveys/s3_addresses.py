"""Objects in S3 by addresses that any HTTP client can ask for."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

_VALID_S = 6 * 3600
"""How long an address may be used: longer than all attempts at one file together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """Where buckets are and who we are there."""

    endpoint_url: str = ""
    """Empty: Amazon's own."""
    region: str = "auto"
    access_key_id: str = ""
    """Empty: as boto3 finds it."""
    secret_access_key: str = ""

    def __repr__(self) -> str:
        return f"S3Access(endpoint_url={self.endpoint_url!r}, region={self.region!r})"

    def chosen(self, *, endpoint_url: str, region: str) -> "S3Access":
        """Return the access to buckets elsewhere; our keys are for our own endpoint only."""
        access = replace(self, region=region) if region else self
        if not endpoint_url or endpoint_url.rstrip("/") == self.endpoint_url.rstrip("/"):
            return access
        return replace(access, endpoint_url=endpoint_url, access_key_id="", secret_access_key="")


class S3Addresses:
    """Turns ``s3://bucket/key`` into an address over HTTP that is valid for some hours; leaves others as they are."""

    def __init__(self, access: S3Access, *, anonymous: bool) -> None:
        self._access = access
        self._anonymous = anonymous
        self._client: Any = None

    def over_http(self, url: str) -> str:
        """Return the address; BadConfiguration where there are no keys, or none that can be used."""
        parts = urlsplit(url)
        if parts.scheme != "s3":
            return url
        # boto3 takes 0.3 s to import, and lists on web servers need none of it.
        from astrid_core.adapters.storage.s3 import connect  # noqa: PLC0415
        from astrid_core.adapters.storage.s3_errors import EXPECTED, translated  # noqa: PLC0415

        try:
            if self._client is None:
                self._client = connect(
                    endpoint_url=self._access.endpoint_url or None,
                    region=self._access.region,
                    access_key_id=self._access.access_key_id or None,
                    secret_access_key=self._access.secret_access_key or None,
                    anonymous=self._anonymous,
                )
            wanted = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
            signed: str = self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=_VALID_S)
        except EXPECTED as error:
            raise translated(error, where=url) from error
        return signed
