"""What clients may take: of one box, of one client, of the whole server.

Example:  Limits(seconds=10, sessions=20)
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """`memory`, `file_bytes`: bytes of a box; `file_names`: files of a box; `seconds`: of a run, and of waiting for a turn; `output`: bytes that
    a run may print.

    `sessions`: of all clients; `sessions_each`: of one; `idle`: seconds without a call after which a session is closed; `checkpoints`: of a session;
    `waiting`: calls that wait for a session; `resident`: bytes of the process, more than which no work is begun.
    `request`: bytes of a request; `shown`: characters of each part of an answer.
    """

    memory: int = 256 * MIB
    file_bytes: int = 64 * MIB
    file_names: int = 10_000
    seconds: float = 30.0
    output: int = MIB
    sessions: int = 256
    sessions_each: int = 64
    idle: float = 1800.0
    checkpoints: int = 16
    waiting: int = 16
    resident: int = 4096 * MIB
    request: int = 4 * MIB
    shown: int = 64 << 10
