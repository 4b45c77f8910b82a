"""The system calls that the kernel refuses in the sandbox, as a filter for `bwrap --seccomp`.

A process starts no other: then its processor time and memory are all that there is to limit, whoever runs it (root is
exempt from RLIMIT_NPROC). Threads are allowed. Memory that no limit counts is refused as well.

Source: seccomp(2), and the tables of system calls of Linux.
"""

import errno
import platform
import struct

CLONE_THREAD = 0x00010000
LOAD, EQUAL, ANY_BIT, AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06  # operations of classic BPF
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where they stand in what the filter reads
X32 = 0x40000000  # numbers of another table, on x86_64
# By machine: its name in the kernel, clone, clone3, and what else is refused: fork, vfork, memfd_create, shmget.
MACHINES = {
    "x86_64": (0xC000003E, 56, 435, (57, 58, 319, 29)),
    "aarch64": (0xC00000B7, 220, 435, (279, 194)),
}


def no_new_process() -> bytes | None:
    """The filter for this machine; None where its table is not known here."""
    if platform.machine() not in MACHINES:
        return None
    architecture, clone, clone3, refused = MACHINES[platform.machine()]
    # Jumps are counted forward from the next line; the last four lines are the ends.
    n_tests = len(refused)
    lines = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, n_tests + 6, architecture),  # else killed
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, n_tests + 5, 0, X32),
        (EQUAL, n_tests + 6, 0, clone3),  # then the C library asks for clone
        *((EQUAL, n_tests + 3 - i, 0, number) for i, number in enumerate(refused)),
        (EQUAL, 0, 4, clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 2, 1, CLONE_THREAD),
        (RETURN, 0, 0, KILL),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
