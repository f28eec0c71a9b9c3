"""Arrays and tables on disk: atomic, fingerprinted."""

from periplus.store.arena import Arena, ArenaWriter, arena_files
from periplus.store.arrays import RowsWriter, write_array_atomic
from periplus.store.atomic import (
    TEMPORARY,
    atomic_path,
    sync_file,
    sync_folder,
    write_bytes_atomic,
    write_json_atomic,
    writing,
)
from periplus.store.hashing import bytes_hash, content_hash, fingerprint
from periplus.store.lock import Lock
from periplus.store.reading import damaged, map_array, map_bytes, plain_size, read_bytes, read_json

__all__ = [
    "TEMPORARY",
    "Arena",
    "ArenaWriter",
    "Lock",
    "RowsWriter",
    "arena_files",
    "atomic_path",
    "bytes_hash",
    "content_hash",
    "damaged",
    "fingerprint",
    "map_array",
    "map_bytes",
    "plain_size",
    "read_bytes",
    "read_json",
    "sync_file",
    "sync_folder",
    "write_array_atomic",
    "write_bytes_atomic",
    "write_json_atomic",
    "writing",
]
