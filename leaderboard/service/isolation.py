"""What a scoring process may not do: use the network, outlive its worker, take all memory, time or disk."""

from __future__ import annotations

import ctypes
import resource
import signal

_NEW_NET, _NEW_USER = 0x40000000, 0x10000000
_SET_PDEATHSIG = 1
_FILES = 1024


def die_with_parent() -> None:
    """The kernel kills this process when the one that started it ends, however that ends."""
    _libc().prctl(_SET_PDEATHSIG, signal.SIGKILL)


def leave_network() -> bool:
    """Move this process into a network namespace of its own, without any interface that is up.

    Root may do so at once, others through a user namespace where the kernel permits one. Called before there is a
    second thread.

    Returns:
        False where the kernel permits neither: the limits hold all the same, the network is as it was.
    """
    libc = _libc()
    return bool(libc.unshare(_NEW_NET) == 0 or libc.unshare(_NEW_USER | _NEW_NET) == 0)


def set_limits(*, memory: int, seconds: float, disk: int) -> None:
    """Limit address space (bytes), processor time (seconds) and the largest file (bytes); no core dump."""
    for what, most in (
        (resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, int(seconds) + 1), (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_NOFILE, _FILES), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        _, hard = resource.getrlimit(what)
        top = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (top, top))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
