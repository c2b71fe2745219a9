"""The buffer protocol for `maniple.ndarray` on Python 3.11.

From 3.12 on, `__buffer__` is all it takes (PEP 688). Before, only types written in C have the
protocol, so the slot of our type is filled with a few instructions of machine code: they ask
Python for a NumPy view of the array's memory and hand the request on to that view, whose
lifetime and errors it has from then on. `memoryview(a)`, `file.write(a)`, `hashlib.sha256(a)` and
typed memoryviews of Cython work as with NumPy's arrays.

Who holds a buffer holds that view, but for NumPy's own `numpy.ndarray(shape, buffer=…)`. It gives
the buffer back before it uses the memory, trusting whose it is to keep it in place: the array, or
the `obj` of a memoryview. Memory is kept in place for good, therefore, where NumPy asks for what
only that function asks for, and where Python code names `memoryview`, whose `obj` is the array.

Only CPython 3.11 on x86-64 Linux gets it; elsewhere `install` does nothing and NumPy falls back
on `__array__`.
"""

from __future__ import annotations

import sys
from typing import Any

_TP_AS_BUFFER = 160
"""Offset of `tp_as_buffer` in PyTypeObject of a 64-bit CPython 3.11."""

_FOR_NUMPYS_CONSTRUCTOR = (0x98, 0x99)
"""PyBUF_ANY_CONTIGUOUS, and with PyBUF_WRITABLE: PyArray_BufferConverter, and nobody we know of."""

_FOR_MEMORYVIEW = 0x11C
"""PyBUF_FULL_RO."""

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

    def host(array: Any, flags: int, named: int) -> Any:
        try:
            if flags in _FOR_NUMPYS_CONSTRUCTOR:
                return array._pinned()
            if flags == _FOR_MEMORYVIEW and "memoryview" in sys._getframe(1).f_code.co_names:
                view = array._pinned()
                ctypes.c_int.from_address(named).value = 1
                return view
            if flags == _FOR_MEMORYVIEW and array._writeable is None:
                # A buffer cannot warn of the first write: NumPy asks for `__array__` then.
                return BufferError("this array warns of the first write")
            return array._export()
        except BaseException as error:
            return error

    callback = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)(
        host
    )

    def address(function: Any) -> bytes:
        value = ctypes.cast(function, ctypes.c_void_p).value
        assert value is not None
        return value.to_bytes(8, "little")

    api = ctypes.pythonapi
    get = _get_buffer(
        address(callback),
        address(api.PyObject_GetBuffer),
        address(api.Py_IncRef),
        address(api.Py_DecRef),
    )
    page = _executable(get + _release_buffer(address(api.Py_DecRef)))
    if page is None:
        return False
    # Buffers are given back at the exit of the interpreter, too, when modules are gone.
    api.Py_IncRef(ctypes.py_object(_kept))
    _kept.extend((callback, host))
    ctypes.c_void_p.from_address(own).value = page
    ctypes.c_void_p.from_address(own + ctypes.sizeof(ctypes.c_void_p)).value = page + len(get)
    return True


# Both for the System V ABI. In Py_buffer, obj is at 8, internal at 72.


def _get_buffer(callback: bytes, get_buffer: bytes, incref: bytes, decref: bytes) -> bytes:
    """int getbuffer(PyObject *self, Py_buffer *view, int flags)."""
    return b"".join(
        (
            b"\x53\x41\x54\x41\x55\x41\x56",  # push rbx, r12, r13, r14
            b"\x48\x83\xec\x18",  # sub rsp, 24: a multiple of 16 now
            b"\x48\x89\xfb",  # mov rbx, rdi
            b"\x49\x89\xf4",  # mov r12, rsi
            b"\x41\x89\xd5",  # mov r13d, edx
            b"\x49\xc7\x44\x24\x08\x00\x00\x00\x00",  # mov qword [r12 + 8], 0
            b"\x48\xc7\x04\x24\x00\x00\x00\x00",  # mov qword [rsp], 0: `named`
            b"\x89\xd6",  # mov esi, edx
            b"\x48\x89\xe2",  # mov rdx, rsp
            b"\x48\xb8" + callback,  # mov rax, callback
            b"\xff\xd0",  # call rax: a new reference to the NumPy view
            b"\x49\x89\xc6",  # mov r14, rax
            b"\xb8\xff\xff\xff\xff",  # mov eax, -1
            b"\x4d\x85\xf6",  # test r14, r14
            b"\x74\x54",  # jz done
            b"\x4c\x89\xf7",  # mov rdi, r14
            b"\x4c\x89\xe6",  # mov rsi, r12
            b"\x44\x89\xea",  # mov edx, r13d
            b"\x48\xb8" + get_buffer,
            b"\xff\xd0",
            b"\x41\x89\xc5",  # mov r13d, eax
            b"\x83\x3c\x24\x00",  # cmp dword [rsp], 0
            b"\x74\x24",  # je drop
            b"\x85\xc0",  # test eax, eax
            b"\x75\x20",  # jnz drop
            b"\x48\x89\xdf",  # mov rdi, rbx
            b"\x48\xb8" + incref,
            b"\xff\xd0",
            b"\x49\x8b\x7c\x24\x08",  # mov rdi, [r12 + 8]
            b"\x49\x89\x5c\x24\x08",  # mov [r12 + 8], rbx: obj is the array,
            b"\x4d\x89\x74\x24\x48",  # mov [r12 + 72], r14: internal the NumPy view
            b"\xeb\x03",  # jmp decref
            b"\x4c\x89\xf7",  # drop: mov rdi, r14
            b"\x48\xb8" + decref,  # decref:
            b"\xff\xd0",
            b"\x44\x89\xe8",  # mov eax, r13d
            b"\x48\x83\xc4\x18",  # done: add rsp, 24
            b"\x41\x5e\x41\x5d\x41\x5c\x5b\xc3",  # pop r14, r13, r12, rbx; ret
        )
    )


def _release_buffer(decref: bytes) -> bytes:
    """void releasebuffer(PyObject *self, Py_buffer *view), called where obj is the array."""
    return b"".join(
        (
            b"\x48\x8b\x7e\x48",  # mov rdi, [rsi + 72]: the NumPy view
            b"\x48\xb8" + decref,
            b"\xff\xe0",  # jmp rax
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
