"""A round's secret, what is derived from it, and the hashes that rest on it.

Everything of a round that is drawn comes from its secret, each for a named purpose, so that no part tells another.
"""

import hashlib
import hmac
import json
from pathlib import Path

from stages.records.files import plain

N_BYTES = 32
N_SEEDS = 2**30  # that every library takes


def read_secret(path: Path) -> bytes:
    """The secret in the file, written in hexadecimal digits. Raises ValueError where it is missing or damaged."""
    try:
        secret = bytes.fromhex(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"the round's secret {path} cannot be read ({error}); without it nothing is scored") from error
    if len(secret) != N_BYTES:
        raise ValueError(f"the round's secret {path} has {len(secret)} bytes; it must have {N_BYTES}")
    return secret


def commitment(secret: bytes) -> str:
    """What is published when a round opens: the SHA-256 of the secret."""
    return hashlib.sha256(secret).hexdigest()


def derived(secret: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose, by HMAC-SHA256."""
    return hmac.digest(secret, purpose.encode(), "sha256")


def derived_seed(secret: bytes, purpose: str) -> int:
    """A seed for this purpose."""
    return int.from_bytes(derived(secret, purpose)[:8], "big") % N_SEEDS


def keyed_hash(secret: bytes, content: bytes) -> str:
    """The HMAC of a file: unlike a plain hash it tells nothing to one who tries all triggers."""
    return hmac.new(derived(secret, "files"), content, "sha256").hexdigest()


def record_mac(secret: bytes, record: object) -> str:
    """The HMAC of a whole record, its own field `mac` left empty by the caller."""
    text = json.dumps(plain(record), sort_keys=True, allow_nan=False)
    return hmac.new(derived(secret, "rows"), text.encode(), "sha256").hexdigest()
