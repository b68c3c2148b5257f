"""Tokens of an external issuer: what is believed, and everything that is not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from astrid_core.adapters.identity.key_set import KeySet
from astrid_core.adapters.identity.tokens import TokenRules, TokenVerifier, open_tokens
from astrid_core.bootstrap import open_token_verifier
from astrid_core.curation.access import Role
from astrid_core.settings import Settings
from astrid_core.shared.errors import BadConfiguration, IdentityUnavailable, NotIdentified

ISSUER, AUDIENCE, URL = "https://issuer.invalid/auth/v1", "authenticated", "https://issuer.invalid/keys"
RULES = TokenRules(issuer=ISSUER, audience=AUDIENCE, roles_claim="app_metadata.astrid_roles")
SECRET = "a secret of more than thirty-two bytes"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a token that holds; None takes one away."""
    told = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "exp": datetime.now(UTC) + timedelta(hours=1),
        "app_metadata": {"astrid_roles": ["reviewer"]},
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def jwk(key: Any, key_id: str, **more: str) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, **more}


class Issuer:
    """Publishes keys and counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(RSA_KEY, "rsa", use="sig", alg="RS256"), jwk(EC_KEY, "ec")]
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json={"keys": self.keys})
        self.n_asked = 0
        self.now_s = 1000.0
        self.key_set = KeySet(URL, transport=httpx.MockTransport(self._answer), clock=lambda: self.now_s)

    def verifier(self, *, secret: str = "") -> TokenVerifier:
        return TokenVerifier(RULES, keys=self.key_set, secret=secret)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == URL
        self.n_asked += 1
        return self.answer()


def by_rsa(told: Mapping[str, Any], key: Any = RSA_KEY, key_id: str = "rsa") -> str:
    return jwt.encode(dict(told), key, algorithm="RS256", headers={"kid": key_id})


def by_secret(told: Mapping[str, Any], secret: str = SECRET) -> str:
    return jwt.encode(dict(told), secret, algorithm="HS256")


def by_hand(header: Mapping[str, Any], told: Mapping[str, Any], secret: bytes = b"") -> str:
    """Return a token as no library makes it, signed by HMAC with ``secret``."""
    told = {name: int(value.timestamp()) if isinstance(value, datetime) else value for name, value in told.items()}
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, told)]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest() if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def test_keys_of_both_kinds_and_a_shared_secret_are_believed() -> None:
    issuer = Issuer()
    by_ec = jwt.encode(claims(), EC_KEY, algorithm="ES256", headers={"kid": "ec"})
    for token in (by_rsa(claims()), by_ec, by_secret(claims())):
        told = issuer.verifier(secret=SECRET).verify(token)
        assert (told.login, set(told.roles)) == ("ada", {Role.REVIEWER})
    assert TokenVerifier(RULES, secret=SECRET).verify(by_secret(claims(aud=["other", AUDIENCE]))).login == "ada"


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        (["reviewer", "data_release", "chief", 7], {Role.REVIEWER, Role.DATA_RELEASE}),
        ("arbiter, viewer", {Role.ARBITER, Role.VIEWER}),
        ([], set()),
        (None, set()),
        ({"admin": True}, set()),
        (["Admin of everything"], set()),
    ],
)
def test_roles_are_those_that_the_issuer_names_as_we_do(said: object, roles: set[Role]) -> None:
    token = by_rsa(claims(app_metadata={"astrid_roles": said}, user_metadata={"astrid_roles": ["admin"]}))
    assert Issuer().verifier().verify(token).roles == roles


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": datetime.now(UTC) - timedelta(minutes=5)},
        {"nbf": datetime.now(UTC) + timedelta(days=1)},
        {"aud": "anon"},
        {"aud": None},
        {"iss": "https://issuer.invalid"},
        {"iss": None},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": " ada"},
        {"sub": "ada\n"},
        {"sub": 7},
        {"sub": "a" * 201},
    ],
)
def test_a_token_of_which_a_part_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotIdentified):
        TokenVerifier(RULES, secret=SECRET).verify(by_hand({"alg": "HS256"}, claims(**changes), SECRET.encode()))


def test_clocks_may_differ_a_little() -> None:
    late = claims(exp=datetime.now(UTC) - timedelta(seconds=10))
    assert TokenVerifier(RULES, secret=SECRET).verify(by_secret(late)).login == "ada"


def test_a_wrong_signature_is_refused() -> None:
    verifier = Issuer().verifier(secret=SECRET)
    whole = by_rsa(claims())
    header, _, signature = whole.split(".")
    wrong = [
        by_rsa(claims(), OTHER_RSA_KEY),
        by_secret(claims(), SECRET + "?"),
        ".".join([header, by_rsa(claims(sub="eve")).split(".")[1], signature]),
        whole[:-4],
        header + ".",
        "",
        "a.b.c",
        whole + "\u00e4",
        "x" * 9000,
    ]
    for token in wrong:
        with pytest.raises(NotIdentified):
            verifier.verify(token)


def test_no_token_says_how_it_is_verified() -> None:
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    forged = [
        by_hand({"alg": "none"}, claims()),
        by_hand({"alg": "None", "kid": "rsa"}, claims()),
        by_hand({"alg": "", "kid": "rsa"}, claims()),
        by_hand({"kid": "rsa"}, claims()),
        # The public key, which everybody has, taken for a secret.
        by_hand({"alg": "HS256", "kid": "rsa"}, claims(), public),
        by_hand({"alg": "HS512", "kid": "rsa"}, claims(), SECRET.encode()),
        jwt.encode(claims(), RSA_KEY, algorithm="PS256", headers={"kid": "rsa"}),
        jwt.encode(claims(), EC_KEY, algorithm="ES256", headers={"kid": "rsa"}),
        jwt.encode(claims(), RSA_KEY, algorithm="RS256", headers={"kid": "ec"}),
        jwt.encode(claims(), RSA_KEY, algorithm="RS256", headers={"kid": "rsa", "crit": ["b64"], "b64": False}),
        jwt.encode(claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"jwk": jwk(OTHER_RSA_KEY, "rsa")}),
        jwt.encode(claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"kid": "x", "jku": "https://eve.invalid/"}),
    ]
    for verifier in (Issuer().verifier(), Issuer().verifier(secret=SECRET), TokenVerifier(RULES, secret=SECRET)):
        for token in forged:
            with pytest.raises(NotIdentified):
                verifier.verify(token)


def test_a_new_key_of_the_issuer_is_found_within_a_minute_and_strangers_do_not_make_us_ask_more() -> None:
    issuer = Issuer()
    verifier = issuer.verifier()
    verifier.verify(by_rsa(claims()))
    for number in range(50):
        with pytest.raises(NotIdentified, match="no such key"):
            verifier.verify(by_rsa(claims(), key_id=f"unknown {number}"))
    assert issuer.n_asked == 1
    issuer.keys = [jwk(OTHER_RSA_KEY, "new")]
    issuer.now_s += 61.0
    assert verifier.verify(by_rsa(claims(), OTHER_RSA_KEY, "new")).login == "ada"
    assert issuer.n_asked == 2
    with pytest.raises(NotIdentified, match="no such key"):
        verifier.verify(by_rsa(claims()))


def test_a_key_that_the_issuer_took_back_opens_nothing_after_an_hour() -> None:
    issuer = Issuer()
    verifier = issuer.verifier()
    verifier.verify(by_rsa(claims()))
    issuer.keys = []
    issuer.now_s += 3601.0
    with pytest.raises(NotIdentified):
        verifier.verify(by_rsa(claims()))


def test_an_issuer_that_is_away_is_not_the_same_as_a_token_that_does_not_hold() -> None:
    issuer = Issuer()
    issuer.answer = lambda: httpx.Response(503)
    verifier = issuer.verifier()
    for _ in range(3):
        with pytest.raises(IdentityUnavailable):
            verifier.verify(by_rsa(claims()))
    assert issuer.n_asked == 1


def test_keys_are_believed_for_a_day_while_the_issuer_is_away() -> None:
    issuer = Issuer()
    verifier = issuer.verifier()
    verifier.verify(by_rsa(claims()))
    issuer.answer = lambda: httpx.Response(503)
    issuer.now_s += 23 * 3600.0
    assert verifier.verify(by_rsa(claims())).login == "ada"
    issuer.now_s += 3601.0
    with pytest.raises(IdentityUnavailable):
        verifier.verify(by_rsa(claims()))


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json=["keys"]),
        lambda: httpx.Response(200, json={"keys": "all"}),
        lambda: httpx.Response(200, json={"keys": [], "filling": "x" * 300_000}),
        lambda: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"\x1f\x8b"),
        lambda: httpx.Response(302, headers={"Location": "https://eve.invalid/keys"}),
        lambda: httpx.Response(404),
    ],
)
def test_an_answer_that_is_no_set_of_keys_counts_for_nothing(answer: Callable[[], httpx.Response]) -> None:
    issuer = Issuer()
    issuer.answer = answer
    with pytest.raises(IdentityUnavailable):
        issuer.verifier().verify(by_rsa(claims()))


def test_keys_that_are_not_for_signatures_are_passed_over() -> None:
    issuer = Issuer()
    octets = {"kty": "oct", "kid": "rsa", "k": base64.urlsafe_b64encode(SECRET.encode()).decode(), "alg": "HS256"}
    private = {**RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True), "kid": "rsa"}
    small = jwk(rsa.generate_private_key(public_exponent=65537, key_size=1024), "rsa")  # noqa: S505 - to be refused
    for listed in (octets, private, jwk(RSA_KEY, "rsa", use="enc"), jwk(RSA_KEY, "rsa", alg="PS256"), "rsa", small):
        issuer.keys = [listed]
        issuer.now_s += 61.0
        for token in (by_rsa(claims()), by_hand({"alg": "HS256", "kid": "rsa"}, claims(), SECRET.encode())):
            with pytest.raises(NotIdentified):
                issuer.verifier().verify(token)


def test_what_would_let_strangers_in_is_refused_as_a_setting() -> None:
    with pytest.raises(BadConfiguration, match="https"):
        open_tokens(RULES, keys_url="http://issuer.invalid/keys")
    with pytest.raises(BadConfiguration, match="too short"):
        open_tokens(RULES, secret="short")
    with pytest.raises(BadConfiguration, match="address of the issuer's keys"):
        open_tokens(RULES)
    with pytest.raises(BadConfiguration, match="issuer and an audience"):
        TokenRules(issuer=ISSUER, audience="")
    for given in ({"login_claim": "user_metadata.name"}, {"roles_claim": "user_metadata.roles"}):
        with pytest.raises(BadConfiguration, match="users write this claim themselves"):
            TokenRules(issuer=ISSUER, audience=AUDIENCE, **given)


def test_tokens_are_believed_only_where_an_issuer_is_configured() -> None:
    assert open_token_verifier(Settings()) is None
    given = {"token_issuer": ISSUER, "token_audience": AUDIENCE, "token_secret": SECRET}
    verifier = open_token_verifier(Settings.model_validate(given))
    assert verifier is not None
    assert verifier.verify(by_secret(claims())).roles == set()
    verifier.close()
