"""A recorded batch as the bytes of the program format's Batch message."""

from __future__ import annotations

from typing import Any

from maniple._backend import FORMAT, Batch


def encode_batch(batch: Batch) -> bytes:
    """Return the protobuf encoding of `batch`."""
    encoded: bytes = batch_message(batch).SerializeToString()
    return encoded


def batch_message(batch: Batch) -> Any:
    """Return `batch` as a message of protobuf's."""
    # Imported here: `import maniple` must not pay for protobuf.
    from maniple import _program_pb2 as pb

    message: Any = pb.Batch(format=FORMAT, number=batch.number, sync=batch.sync)
    add_layout = message.layouts.add
    for data_type, shape, strides in batch.layouts:
        add_layout(type=data_type, shape=shape, strides=strides)
    add_scalar = message.scalars.add
    for data_type, low, high in batch.scalars:
        add_scalar(type=data_type, low=low, high=high)
    for handle, nbytes, content, placement in batch.buffers:
        buffer = message.buffers.add(handle=handle, bytes=nbytes)
        if content is not None:
            buffer.content = content
        if placement is not None:
            segment, offset, length = placement
            buffer.placement.handle = handle
            buffer.placement.segment = segment
            buffer.placement.offset = offset
            buffer.placement.bytes = length
    for handle, offset, length in batch.observations:
        message.observations.add(handle=handle, offset=offset, length=length)
    message.sources.extend(batch.sources)
    if any(batch.reports):
        message.reports.extend(batch.reports)
    message.written.extend(batch.written)
    message.operation.extend(batch.operation)
    message.operand_count.extend(batch.operand_count)
    message.source.extend(batch.source)
    message.operand_buffer.extend(batch.operand_buffer)
    message.operand_layout.extend(batch.operand_layout)
    message.operand_offset.extend(batch.operand_offset)
    return message
