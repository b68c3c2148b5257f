"""Lists of files on a web server and in a bucket: what they may say, and what is no list."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.manifest import ManifestClient, ManifestQuery
from astrid_core.adapters.surveys.manifest_rows import read_entries
from astrid_core.adapters.surveys.s3_addresses import S3Access
from astrid_core.observations.entities import Observation
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer, UnusableFile
from tests.adapters.exposures import frame, look, reason
from tests.adapters.remote_surveys import POLICY, SURVEY, manifest_client, mirror
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer, Asked, Reply

AT = "https://host.test/data/list.csv"
DIGEST = "ab" * 32


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with HttpClient("sky", POLICY) as opened:
        yield opened


def test_a_list_may_say_more_than_where_files_are() -> None:
    text = f"url,size,sha256,ra_deg,dec_deg,mid_mjd,name\nn1/a.fits,2880,{DIGEST.upper()},10.5,-3,60000.25,\n"
    (entry,) = read_entries(text, location=AT).values()
    file = entry.file
    assert entry.url == "https://host.test/data/n1/a.fits"
    assert (file.archive_id, file.n_bytes, file.sha256, file.problem) == ("n1/a.fits", 2880, DIGEST, "")
    assert file.position is not None
    assert (file.position.ra_deg, file.position.dec_deg, file.mid_mjd) == (10.5, -3.0, 60000.25)
    assert (file.version, entry.file.beside) == (DIGEST, ())


@pytest.mark.parametrize(
    ("url", "location", "name", "address"),
    [
        ("a%20b.fits?sig=1", AT, "a b.fits", "https://host.test/data/a%20b.fits?sig=1"),
        ("https://host.test/data/n/a.fits", AT, "n/a.fits", "https://host.test/data/n/a.fits"),
        ("/other/a.fits", AT, "host.test/other/a.fits", "https://host.test/other/a.fits"),
        ("https://elsewhere.test/a.fits", AT, "elsewhere.test/a.fits", "https://elsewhere.test/a.fits"),
        ("s3://pail/deep/a.fits", AT, "pail/deep/a.fits", "s3://pail/deep/a.fits"),
        ("n1/a.fits", "s3://pail/deep/list.csv", "n1/a.fits", "s3://pail/deep/n1/a.fits"),
    ],
)
def test_a_file_is_named_by_its_place(url: str, location: str, name: str, address: str) -> None:
    (entry,) = read_entries(f"url\n{url}\n", location=location).values()
    assert (entry.file.archive_id, entry.url) == (name, address)


def test_json_says_the_same_as_csv() -> None:
    rows = [{"url": "a.fits", "size": 2880, "sha256": None}, {"url": "b.fits", "name": "second"}]
    plain = read_entries(json.dumps(rows), location=AT)
    assert plain == read_entries(json.dumps({"files": rows}), location=AT)
    assert plain == read_entries("\ufeffurl,size,name\r\na.fits,2880,\r\nb.fits,,second\r\n", location=AT)
    assert list(plain) == ["a.fits", "second"]
    assert read_entries("url\n", location=AT) == read_entries("[]", location=AT) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing=url"),
        ("address,size\na.fits,1\n", "missing=url, unknown='address'"),
        ("url,sha_256\na.fits,1\n", "other columns.*unknown='sha_256'"),
        ("url,size\na.fits,1,2\n", "broken row.*row=1"),
        ("url,size\na.fits\n", "broken row.*row=1"),
        ('url,size\n"a.fits,1\n', "cannot be read"),
        ("url,size\n,1\n", "row without address.*row=1"),
        ("url\na.fits\n\nhttps://host.test/data/a.fits\n", "two files alike.*name='a.fits'"),
        ("<html>log in</html>", "web page instead of a manifest"),
        ("[1]", "broken row"),
        ('[{"url": "a.fits", "md5": "x"}]', "row=1.*unknown='md5'"),
        ('{"items": []}', "no list of files.*holds=items"),
        ('[{"url": "a.fits"}', "cannot be read"),
    ],
)
def test_what_is_no_list_is_never_an_empty_survey(text: str, words: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=words) as problem:
        read_entries(text, location=f"{AT}?signature=secret")
    assert "secret" not in str(problem.value)


def test_a_bad_row_spoils_one_file_only(http: HttpClient, tmp_path: Path) -> None:
    rows = ["a.fits,,", "b.fits,,123", "c.fits,many,", "ftp://host/d.fits,,", "../e.fits,,", "f.fits,,"]
    files = {"a.fits": frame(1), "f.fits": frame(2)}
    answer = survey_servers.manifest(files)
    with ArchiveServer(lambda asked: listed(rows) if asked.path == "/list.csv" else answer(asked)) as server:
        found = look(manifest_client(server, http, tmp_path))
    assert sorted(name for name, one in found.items() if isinstance(one, Observation)) == ["a.fits", "f.fits"]
    assert "no SHA-256" in reason(found["b.fits"])
    assert "no number of bytes" in reason(found["c.fits"])
    assert "none of http, https, s3" in reason(found["host/d.fits"])


def listed(rows: list[str]) -> Reply:
    return Reply(body="\n".join(["url,size,sha256", *rows]).encode())


def test_the_listed_checksum_is_checked_and_a_new_one_brings_the_new_file(http: HttpClient, tmp_path: Path) -> None:
    files = {"a.fits": frame(1)}
    lied = hashlib.sha256(frame(2)).hexdigest()
    with ArchiveServer(survey_servers.manifest(files)) as server:
        right = server.answer
        server.answer = lambda asked: listed([f"a.fits,,{lied}"]) if asked.path == "/list.csv" else right(asked)
        (wrong,) = manifest_client(server, http, tmp_path).discover()
        assert "does not match its checksum" in reason(wrong)
        assert list(tmp_path.iterdir()) == []
        server.answer = right
        (first,) = manifest_client(server, http, tmp_path).discover()
        files["a.fits"] = frame(2)
        (second,) = manifest_client(server, http, tmp_path).discover()
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert first.file_digest != second.file_digest == lied


def test_a_file_is_fetched_without_anybody_having_looked_first(http: HttpClient, tmp_path: Path) -> None:
    with ArchiveServer(survey_servers.manifest({"a.fits": frame(1)})) as server:
        (found,) = manifest_client(server, http, tmp_path / "one").discover()
        assert isinstance(found, Observation)
        other = manifest_client(server, http, tmp_path / "two")
        assert other.fetch(found) == frame(1)
        server.answer = without_files
        with pytest.raises(UnusableFile, match="does not name the file any more"):
            manifest_client(server, http, tmp_path / "three").fetch(found)


def without_files(_: Asked) -> Reply:
    return Reply(body=b"url\n")


@pytest.mark.parametrize(
    "location", ["", "list.csv", "ftp://host/list.csv", "https://host", "s3://bucket/", "https://["]
)
def test_a_list_has_an_address(location: str) -> None:
    with pytest.raises(BadConfiguration, match="a manifest is at"):
        ManifestQuery(location=location)


@pytest.fixture
def in_bucket(
    server: str, http: HttpClient, tmp_path: Path
) -> Iterator[Callable[[dict[str, bytes], bool], ManifestClient]]:
    keys = {"aws_access_key_id": "us", "aws_secret_access_key": "sesame"}
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="pail")

    def opened(files: dict[str, bytes], anonymous: bool) -> ManifestClient:
        rows = [f"{name},{len(content)},{hashlib.sha256(content).hexdigest()}" for name, content in files.items()]
        for name, content in (*files.items(), ("list.csv", "\n".join(["url,size,sha256", *rows]).encode())):
            client.put_object(
                Bucket="pail", Key=f"deep/{name}", Body=content, ACL="public-read" if anonymous else "private"
            )
        query = ManifestQuery(location="s3://pail/deep/list.csv", s3_anonymous=anonymous)
        access = S3Access(endpoint_url=server, region="us-east-1", access_key_id="us", secret_access_key="sesame")
        return ManifestClient(SURVEY, query, http, mirror(tmp_path), s3=access)

    yield opened
    client.close()


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_bucket_is_read_by_signed_addresses_or_openly(
    in_bucket: Callable[[dict[str, bytes], bool], ManifestClient], anonymous: bool
) -> None:
    survey = in_bucket({"n1/a_b.fits": frame(1), "c.fits": frame(2)}, anonymous)
    found = list(survey.discover())
    assert [one.archive_id for one in found] == ["c.fits", "n1/a_b.fits"]
    assert isinstance(found[0], Observation)
    assert survey.fetch(found[0]) == frame(2)
    url = survey.wanted("c.fits").url
    assert ("Signature" in url) is not anonymous
    assert "sesame" not in url


def test_our_keys_are_for_our_own_endpoint_only() -> None:
    ours = S3Access(endpoint_url="https://ours.test", access_key_id="us", secret_access_key="sesame")
    assert ours.chosen(endpoint_url="https://ours.test/", region="eu").access_key_id == "us"
    assert ours.chosen(endpoint_url="https://other.test", region="").access_key_id == ""
    assert "sesame" not in repr(ours)
