"""HMAC and SCRAM's proof without what the standard library and OpenSSL 3 do before they begin to hash."""

from headrace.sasl.credentials import Digest

def mac(digest: Digest, key: bytes, data: bytes) -> bytes:
    """HMAC (RFC 2104)."""

def proves(digest: Digest, stored_key: bytes, signed: bytes, proof: bytes) -> bool:
    """Is this ClientProof of who has the ClientKey that stored_key is the hash of (RFC 5802 3)? Compared in constant
    time."""
