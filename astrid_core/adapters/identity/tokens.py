"""Tokens (JWT) of an external issuer: who shows one, and what the issuer says they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt

from astrid_core.adapters.identity.key_set import KeySet
from astrid_core.curation.access import Role, role_named
from astrid_core.shared.errors import BadConfiguration, NotIdentified

_LEEWAY_S = 30
"""By how much the clocks of the issuer and of this machine may differ."""
_MAX_CHARACTERS = 8192
_MIN_SECRET_BYTES = 32
_LONGEST_LOGIN = 200
_OF_THE_USER = "user_metadata"
"""What users of Supabase write themselves: no role comes from there, and no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token that holds says of whoever shows it."""

    login: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """Which tokens are believed."""

    issuer: str
    audience: str
    login_claim: str = "sub"
    """Path of the claim that names its owner; nobody may be able to choose another's."""
    roles_claim: str = ""
    """Path of the claim that names roles; empty where the issuer names none."""

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise BadConfiguration("tokens need an issuer and an audience", issuer=self.issuer, audience=self.audience)
        for claim in (self.login_claim, self.roles_claim):
            if claim.split(".")[0] == _OF_THE_USER:
                raise BadConfiguration("users write this claim themselves", claim=claim)
        if not self.login_claim:
            raise BadConfiguration("tokens need a claim that names their owner")


class TokenVerifier:
    """Believes what ``rules`` allow and a key of the issuer has signed; threads may share it.

    ``secret`` verifies HS256 and nothing else, ``keys`` RS256 and ES256 and nothing else: a token that names another
    algorithm, or none, is refused, so that no public key is ever taken for a secret.
    """

    def __init__(self, rules: TokenRules, *, keys: KeySet | None = None, secret: str = "") -> None:
        if keys is None and not secret:
            raise BadConfiguration("tokens need the address of the issuer's keys, or a secret", issuer=rules.issuer)
        if secret and len(secret.encode()) < _MIN_SECRET_BYTES:
            raise BadConfiguration("secret of the issuer is too short", n_bytes=len(secret.encode()))
        self._rules = rules
        self._keys = keys
        self._secret = secret

    def verify(self, token: str) -> TokenClaims:
        """Return what the token says; NotIdentified unless all of it holds, IdentityUnavailable if nobody can tell."""
        if len(token) > _MAX_CHARACTERS:
            raise NotIdentified("token is too long", n_characters=len(token))
        try:
            key, algorithm = self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, UnicodeError) as error:
            raise NotIdentified("token does not hold", cause=type(error).__name__) from error
        return TokenClaims(login=self._login(claims), roles=self._roles(claims))

    def close(self) -> None:
        """Close the connections to the issuer."""
        if self._keys is not None:
            self._keys.close()

    def _key(self, header: Mapping[str, Any]) -> tuple[Any, str]:
        """Return what the token must have been signed with, and how."""
        if header.get("alg") == "HS256":
            if not self._secret:
                raise NotIdentified("token is signed with a secret, and there is none")
            return self._secret, "HS256"
        key_id = header.get("kid")
        if self._keys is None or not isinstance(key_id, str):
            raise NotIdentified("token names no key of its issuer")
        key = self._keys.find(key_id)
        if key is None:
            raise NotIdentified("issuer has no such key")
        return key, str(key.algorithm_name)

    def _login(self, claims: Mapping[str, Any]) -> str:
        login = _at(claims, self._rules.login_claim)
        is_name = isinstance(login, str) and login.isprintable() and login == login.strip()
        if not is_name or not 0 < len(login) <= _LONGEST_LOGIN:
            raise NotIdentified("token does not name its owner", claim=self._rules.login_claim)
        return str(login)

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        said = _at(claims, self._rules.roles_claim) if self._rules.roles_claim else None
        names = said.replace(",", " ").split() if isinstance(said, str) else said if isinstance(said, list) else []
        roles = {role_named(name) for name in names if isinstance(name, str)}
        return frozenset(role for role in roles if role is not None)


def open_tokens(rules: TokenRules, *, keys_url: str = "", secret: str = "") -> TokenVerifier:
    """Return what verifies tokens; BadConfiguration for an address that others could answer in the issuer's place."""
    if keys_url:
        address = urlsplit(keys_url)
        is_local = address.scheme == "http" and address.hostname in {"localhost", "127.0.0.1", "::1"}
        if address.scheme != "https" and not is_local:
            raise BadConfiguration("keys of an issuer are read over https", url=keys_url)
    return TokenVerifier(rules, keys=KeySet(keys_url) if keys_url else None, secret=secret)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim at a path such as ``app_metadata.roles``; None if there is none."""
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
