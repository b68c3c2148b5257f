"""A list of files on a web server or in an S3 bucket as a survey: for archives that have no interface but a list."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from astrid_core.adapters.surveys.downloads import Wanted
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.manifest_rows import Entry, read_entries
from astrid_core.adapters.surveys.mirror import Mirror, MirroredClient
from astrid_core.adapters.surveys.s3_addresses import S3Access, S3Addresses
from astrid_core.observations.entities import ListedFile, Survey
from astrid_core.shared.errors import BadConfiguration, UnusableFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestQuery:
    """Where the list is."""

    location: str
    """``https://...`` or ``s3://bucket/key``: CSV with a head, or JSON."""
    s3_endpoint_url: str = ""
    """Of the buckets; empty: as for the artifacts, else Amazon's."""
    s3_region: str = ""
    """Empty: as for the artifacts."""
    s3_anonymous: bool = False
    """Whether the buckets are public: nothing is signed."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.location)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https", "s3") or not parts.hostname or not parts.path.strip("/"):
            raise BadConfiguration(
                "a manifest is at https://host/path or s3://bucket/key", location=ascii(self.location.partition("?")[0])
            )

    @property
    def server(self) -> str:
        """Whose list it is: those of one server share its limits."""
        parts = urlsplit(self.location)
        return f"{parts.scheme}://{parts.netloc}"


class ManifestClient(MirroredClient):
    """Reads the files that a list names, with their sizes and checksums where it tells them.

    The ``archive_id`` of a file is the name that the list gives it, else its path below the list's own folder, else
    host or bucket with the path. Files in S3 are asked for by signed addresses, and so come by the same client, with
    the same patience, as all others.
    """

    def __init__(
        self, survey: Survey, query: ManifestQuery, client: HttpClient, mirror: Mirror, *, s3: S3Access
    ) -> None:
        super().__init__(survey, client, mirror)
        self._location = query.location
        self._s3 = S3Addresses(
            s3.chosen(endpoint_url=query.s3_endpoint_url, region=query.s3_region), anonymous=query.s3_anonymous
        )
        self._entries: dict[str, Entry] | None = None

    def listing(self) -> tuple[ListedFile, ...]:
        """Return what the list names; UnexpectedAnswer for a list that is none, or that names two files alike."""
        return tuple(entry.file for entry in self._read().values())

    def wanted(self, archive_id: str) -> Wanted:
        """Return where a file is; the list is read for this only if it has not been yet."""
        entries = self._read() if self._entries is None else self._entries
        if archive_id not in entries:
            raise UnusableFile("the manifest does not name the file any more", file=archive_id)
        return Wanted(url=self._s3.over_http(entries[archive_id].url))

    def _read(self) -> dict[str, Entry]:
        text = self._client.text(self._s3.over_http(self._location))
        self._entries = read_entries(text, location=self._location)
        return self._entries
