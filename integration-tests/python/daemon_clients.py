"""Clients of a daemon without the shim: as many as a test wants, in one process."""

import numpy as np
from daemons import Daemon
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._backend import Batch
from maniple._remote import RemoteBackend, connect

FLOAT64 = pb.FLOAT64


def address_of(running: Daemon, port: int = 0) -> DaemonAddress:
    ca = (running.directory / "ca.pem").read_bytes()
    return DaemonAddress("localhost", port or running.port, True, running.token, ca)


class Client:
    """A session whose batches are made by hand."""

    def __init__(self, address: DaemonAddress) -> None:
        self.backend: RemoteBackend = connect(address, pb.SessionOptions())
        self.operations = self.backend.operations()
        self.handle = 0
        self.number = 0

    def batch(self) -> Batch:
        self.number += 1
        batch = Batch()
        batch.number = self.number
        return batch

    def instruction(self, batch: Batch, operation: int, *operands: tuple[int, int]) -> None:
        batch.operation.append(operation)
        batch.operand_count.append(len(operands))
        batch.source.append(0)
        for buffer, layout in operands:
            batch.operand_buffer.append(buffer)
            batch.operand_layout.append(layout)
            batch.operand_offset.append(0)

    def add(self, x: np.ndarray, number: float) -> np.ndarray:
        """x + number, computed there."""
        batch = self.batch()
        bits = int(np.float64(number).view(np.uint64))
        batch.layouts = [(FLOAT64, x.shape, x.strides)]
        batch.scalars = [(FLOAT64, bits, 0)]
        source, target = self.handle + 1, self.handle + 2
        self.handle += 2
        small = x.nbytes <= 1 << 16
        placement = None if small else self.backend.upload(x)
        batch.buffers = [(source, x.nbytes, x.tobytes() if small else None, placement), (target, x.nbytes, None, None)]
        self.instruction(batch, self.operations["add:dd->d"], (target, 0), (source, 0), (0, 0))
        batch.observations = [(target, 0, x.nbytes if small else 0)]
        (result,) = self.backend.submit(batch)
        free = self.batch()
        self.instruction(free, 0, (source, 0))
        self.instruction(free, 0, (target, 0))
        self.backend.submit(free)
        return np.frombuffer(result, np.float64).reshape(x.shape)

    def close(self) -> None:
        self.backend.close()
