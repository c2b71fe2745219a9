"""A network with latency and loss, as a TCP proxy: every chunk arrives late, some much later, and connections break.

What TCP makes of a lost packet is a stall of what follows it, so a chunk that is lost holds back the rest of its
direction for as long as a retransmission takes. Each line on standard input is answered with a line of JSON: how many
connections, bytes, round trips, stalls and cuts there were.

examples:
  python bad_network.py --listen 127.0.0.1:9000 --target 127.0.0.1:8815 --delay 0.05 --loss 0.05
"""

import argparse
import asyncio
import json
import random
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass

CHUNK = 1 << 16
IN_FLIGHT = 256
"""So many chunks may be on their way in one direction, then the sender waits."""

SMALLEST = 64
"""Less than this is what keeps a connection going (windows, pings, settings), no question and no answer."""


@dataclass
class Counts:
    connections: int = 0
    bytes: int = 0
    round_trips: int = 0
    """Answers that followed on a question, over all connections."""
    stalls: int = 0
    cuts: int = 0


class Proxy:
    def __init__(self, target: tuple[str, int], delay: float, loss: float, cuts: float, seed: int) -> None:
        self.target = target
        self.delay, self.loss, self.cuts = delay, loss, cuts
        self.generator = random.Random(seed)
        self.counts = Counts()

    async def connected(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        self.counts.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            near_writer.close()
            return
        asking = [False]
        ways = [
            asyncio.create_task(self._way(near_reader, far_writer, asking, True)),
            asyncio.create_task(self._way(far_reader, near_writer, asking, False)),
        ]
        # One way that ends takes the other one with it, as a reset does.
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for writer in (near_writer, far_writer):
            writer.transport.abort()

    async def _way(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asking: list[bool], outwards: bool
    ) -> None:
        clock = asyncio.get_running_loop().time
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        sender = asyncio.create_task(self._send(queue, writer))
        free = 0.0  # before that nothing arrives: something before it was lost
        try:
            with suppress(OSError):
                while data := await reader.read(CHUNK):
                    self.counts.bytes += len(data)
                    if len(data) >= SMALLEST:
                        self.counts.round_trips += asking[0] and not outwards
                        asking[0] = outwards
                    if self.generator.random() < self.cuts:
                        self.counts.cuts += 1
                        return
                    if self.generator.random() < self.loss:
                        self.counts.stalls += 1
                        free = max(free, clock()) + 4 * self.delay
                    await queue.put((max(free, clock()) + self.delay, data))
            await queue.join()
        finally:
            sender.cancel()

    async def _send(self, queue: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            wait = due - clock()
            if wait > 0:
                await asyncio.sleep(wait)
            with suppress(OSError):
                writer.write(data)
                await writer.drain()
            queue.task_done()

    async def serve(self, host: str, port: int) -> None:
        server = await asyncio.start_server(self.connected, host, port)
        print(server.sockets[0].getsockname()[1], flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(asdict(self.counts)), flush=True)


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=address, required=True, metavar="HOST:PORT", help="port 0: any")
    parser.add_argument("--target", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--delay", type=float, default=0.0, metavar="S", help="seconds each way (default: none)")
    parser.add_argument(
        "--loss", type=float, default=0.0, metavar="P", help="part of the chunks that stall (default: 0)"
    )
    parser.add_argument("--cuts", type=float, default=0.0, metavar="P", help="part that end a connection (default: 0)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what is lost (default: 1)")
    arguments = parser.parse_args()
    proxy = Proxy(arguments.target, arguments.delay, arguments.loss, arguments.cuts, arguments.seed)
    asyncio.run(proxy.serve(*arguments.listen))


if __name__ == "__main__":
    main()
