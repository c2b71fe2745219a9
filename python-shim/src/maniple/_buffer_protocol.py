"""The buffer protocol for `maniple.ndarray` on Python 3.11.

From 3.12 on, `__buffer__` is all it takes (PEP 688). Before, only types written in C have the
protocol, so the slot of our type is filled with a few instructions of machine code: they ask
Python for a NumPy view of the array's memory and hand the request on to that view, whose
exporter, lifetime and errors it has from then on. `memoryview(a)`, `file.write(a)`,
`hashlib.sha256(a)` and typed memoryviews of Cython work as with NumPy's arrays.

Only CPython 3.11 on x86-64 Linux gets it; elsewhere `install` does nothing and NumPy falls back
on `__array__`.
"""

from __future__ import annotations

import sys
from typing import Any

_TP_AS_BUFFER = 160
"""Offset of `tp_as_buffer` in PyTypeObject of a 64-bit CPython 3.11."""

_kept: list[Any] = []
"""What the machine code refers to: it must outlive the type."""


def supported() -> bool:
    return (
        sys.version_info[:2] == (3, 11)
        and sys.implementation.name == "cpython"
        and sys.platform == "linux"
        and sys.maxsize > 1 << 32
        and __import__("os").uname().machine == "x86_64"
    )


def install(kind: type) -> bool:
    """Give `kind`, whose instances have a method `_export`, the buffer protocol."""
    if not supported():
        return False
    import ctypes

    def slots(of: type) -> int | None:
        return ctypes.c_void_p.from_address(id(of) + _TP_AS_BUFFER).value

    # Does the layout hold? `bytes` exports buffers, `int` does not, `kind` has empty slots.
    there, own = slots(bytes), slots(kind)
    if slots(int) is not None or not there or not own:
        return False
    if not ctypes.c_void_p.from_address(there).value or ctypes.c_void_p.from_address(own).value:
        return False

    def host(array: Any) -> Any:
        try:
            return array._export()
        except BaseException as error:
            return error

    callback = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(host)

    def address(function: Any) -> bytes:
        value = ctypes.cast(function, ctypes.c_void_p).value
        assert value is not None
        return value.to_bytes(8, "little")

    code = _machine_code(
        address(callback),
        address(ctypes.pythonapi.PyObject_GetBuffer),
        address(ctypes.pythonapi.Py_DecRef),
    )
    page = _executable(code)
    if page is None:
        return False
    _kept.extend((callback, host))
    ctypes.c_void_p.from_address(own).value = page
    return True


def _machine_code(callback: bytes, get_buffer: bytes, decref: bytes) -> bytes:
    """int getbuffer(PyObject *self, Py_buffer *view, int flags), for the System V ABI."""
    return b"".join(
        (
            b"\x53\x41\x54\x41\x55",  # push rbx, r12, r13: rsp is a multiple of 16 now
            b"\x49\x89\xf4",  # mov r12, rsi
            b"\x41\x89\xd5",  # mov r13d, edx
            b"\x49\xc7\x44\x24\x08\x00\x00\x00\x00",  # mov qword [r12 + 8], 0: view->obj
            b"\x48\xb8" + callback,  # mov rax, callback
            b"\xff\xd0",  # call rax: a new reference
            b"\x48\x85\xc0",  # test rax, rax
            b"\x74\x33",  # jz failed
            b"\x48\x89\xc3",  # mov rbx, rax
            b"\x48\x89\xc7",  # mov rdi, rax
            b"\x4c\x89\xe6",  # mov rsi, r12
            b"\x44\x89\xea",  # mov edx, r13d
            b"\x48\xb8" + get_buffer,
            b"\xff\xd0",
            b"\x41\x89\xc4",  # mov r12d, eax
            b"\x48\x89\xdf",  # mov rdi, rbx
            b"\x48\xb8" + decref,
            b"\xff\xd0",
            b"\x44\x89\xe0",  # mov eax, r12d
            b"\x41\x5d\x41\x5c\x5b\xc3",  # pop r13, r12, rbx; ret
            b"\xb8\xff\xff\xff\xff",  # failed: mov eax, -1
            b"\x41\x5d\x41\x5c\x5b\xc3",
        )
    )


def _executable(code: bytes) -> int | None:
    """Return the address of `code` in memory that was written and then made executable."""
    import ctypes
    import mmap

    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    page[: len(code)] = code
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if libc.mprotect(start, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        return None  # refused, by SELinux for example
    _kept.append(page)
    return start
