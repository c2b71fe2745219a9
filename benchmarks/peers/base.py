"""What an engine does beyond running a program: here that of NumPy, which peers change where they differ."""

from collections.abc import Callable, Container, Iterable
from types import ModuleType
from typing import Any

from registry import WORKLOADS, Inputs, Program

from peers import PEERS

Programs = dict[str, Program]


class Engine:
    # What the peer runs: its own programs, and those of NumPy's that it runs as they are.
    programs: Programs = {}
    # Differences from NumPy's result that the peer's own way allows, where they exceed the workload's.
    tolerances: dict[str, float] = {}
    # The part of an input `count` that the peer is given, where all of it would take minutes: times are multiplied.
    shares: dict[str, float] = {}

    def version(self) -> str:
        raise NotImplementedError

    def program(self, name: str) -> Program:
        return self.programs[name]

    def place(self, inputs: Inputs) -> Inputs:
        """The inputs as the peer's own arrays."""
        return inputs

    def finish(self, result: Any) -> Any:
        """Wait until the result is there."""
        return result

    def plain(self, part: Any) -> Any:
        """One part of a result as NumPy's array."""
        return part


def register(programs: Programs) -> Callable[..., Callable[[Program], Program]]:
    """A decorator that enters a program under the names of its workloads."""

    def runs(*names: str) -> Callable[[Program], Program]:
        def enter(program: Program) -> Program:
            programs.update(dict.fromkeys(names, program))
            return program

        return enter

    return runs


def unmodified(peer: str, own: Container[str] = ()) -> Programs:
    """NumPy's own programs for all that the table says the peer runs, and that it has no program of its own for."""
    return {name: WORKLOADS[name].program for name in PEERS[peer].workloads if name not in own}


def substitute(modules: Iterable[ModuleType], library: Any) -> None:
    """Let the programs find another library under the name `np`; to be done when the inputs are made."""
    for module in modules:
        module.np = library  # type: ignore[attr-defined]


__all__ = ["Engine", "Inputs", "Program", "Programs", "register", "substitute", "unmodified"]
