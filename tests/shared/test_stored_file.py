import io

import pytest

from astrid_core.shared.errors import MissingArtifact
from astrid_core.shared.stored_file import StoredFile
from tests.fakes.artifacts import MemoryArtifacts


def test_a_stored_file_reads_like_a_file() -> None:
    store, content = MemoryArtifacts(), bytes(range(256))
    digest = store.put(content, media_type="text/plain").digest
    file, other = StoredFile(store, digest), io.BytesIO(content)
    for offset, whence, n_bytes in ((0, 0, 5), (-10, 2, 20), (3, 0, 0), (-1, 1, 4), (100, 1, -1), (0, 0, -1)):
        assert file.seek(offset, whence) == other.seek(offset, whence) == file.tell()
        assert file.read(n_bytes) == other.read(n_bytes)
    assert file.readable()
    assert file.seekable()
    assert not file.writable()


def test_what_is_not_stored_is_missing() -> None:
    with pytest.raises(MissingArtifact):
        StoredFile(MemoryArtifacts(), "0" * 64)
