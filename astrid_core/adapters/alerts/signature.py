"""How a receiver knows that a packet is from us, is whole, and is not an old one sent again by somebody else."""

import hashlib
import hmac

KEY, TIME, SIGNATURE = "Idempotency-Key", "AstrID-Timestamp", "AstrID-Signature"
"""Headers of every packet that is posted."""
TOLERANCE_S = 300
"""A packet whose time lies further from the receiver's clock should be refused."""


def headers(body: bytes, *, key: str, time_s: int, secret: bytes) -> dict[str, str]:
    """Return the headers that go with a packet; the signature covers time, key and body."""
    return {KEY: key, TIME: str(time_s), SIGNATURE: sign(body, key=key, time_s=time_s, secret=secret)}


def sign(body: bytes, *, key: str, time_s: int, secret: bytes) -> str:
    """Return ``v1=`` and the HMAC-SHA256 of ``TIME.KEY.BODY`` in hexadecimal digits."""
    signed = f"{time_s}.{key}.".encode() + body
    return f"v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


def is_signed(body: bytes, got: dict[str, str], *, secret: bytes, now_s: float) -> bool:
    """Tell what a receiver should: whether a packet is ours and fresh."""
    try:
        time_s = int(got[TIME])
        expected = sign(body, key=got[KEY], time_s=time_s, secret=secret)
        return abs(now_s - time_s) <= TOLERANCE_S and hmac.compare_digest(expected, got[SIGNATURE])
    except (KeyError, ValueError, TypeError):
        return False
