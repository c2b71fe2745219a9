"""Batches for the echo server: operation 0 frees, 1 sleeps, 2 fails."""

from __future__ import annotations

from maniple import _program_pb2 as pb

FREE, SLEEP, FAIL = 0, 1, 2


def sync(number: int = 1) -> bytes:
    return pb.Batch(format=2, number=number, sync=True).SerializeToString()


def sleep(milliseconds: int, number: int = 1, *, wait: bool = True) -> bytes:
    return _one(SLEEP, number, wait, scalars=[pb.Scalar(low=milliseconds)])


def fail(number: int = 1, *, wait: bool = True, source: str = "") -> bytes:
    return _one(FAIL, number, wait, sources=[source], source=[1 if source else 0])


def free(handle: int, number: int = 1) -> bytes:
    return _one(FREE, number, True, operand_buffer=[handle])


def content(handle: int, data: bytes, number: int = 1) -> bytes:
    """Introduce a buffer inline and look at all of it, and at its first three bytes."""
    batch = pb.Batch(format=2, number=number)
    batch.buffers.add(handle=handle, bytes=len(data), content=data)
    batch.observations.add(handle=handle)
    batch.observations.add(handle=handle, offset=0, length=3)
    return batch.SerializeToString()


def placed(handle: int, placement: tuple[int, int, int], number: int = 1) -> bytes:
    """Introduce a buffer by a reservation and look at it."""
    segment, offset, nbytes = placement
    batch = pb.Batch(format=2, number=number)
    batch.buffers.add(
        handle=handle,
        bytes=nbytes,
        placement=pb.Placement(handle=handle, segment=segment, offset=offset, bytes=nbytes),
    )
    batch.observations.add(handle=handle)
    return batch.SerializeToString()


def _one(operation: int, number: int, wait: bool, **columns: object) -> bytes:
    values: dict[str, object] = {"source": [0], "operand_buffer": [0], **columns}
    return pb.Batch(
        format=2,
        number=number,
        sync=wait,
        operation=[operation],
        operand_count=[1],
        operand_layout=[0],
        operand_offset=[0],
        **values,  # type: ignore[arg-type]
    ).SerializeToString()
