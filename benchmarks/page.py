"""Writes docs/performance.md and its picture from the figures of performance.py.

usage: page.py FIGURES.json PAGE.md     (the picture is PAGE.svg; it needs Matplotlib, requirements/test.txt)
"""

import importlib.util
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from measuring import geometric_mean
from peers import PEERS

FOLDER = Path(__file__).resolve().parent
RECORDED = FOLDER / "recorded.json"
EXPLANATIONS = FOLDER / "exceptions.toml"

STENCILS = frozenset((
    "jacobi2d_4000_x50", "heat3d_256_x20", "cg_poisson_1000_x100", "life_2000_x20", "fdtd2d_1500_x10",
    "horizontal_diffusion_256x256x80", "advection2d_2000_x10", "wave2d_2000_x10", "red_black_2000_x5",
))  # fmt: skip
# The most that Maniple's time may be of that of: the best peer on arrays, the best loops, those of a stencil, NumPy;
# and its memory of NumPy's.
ARRAYS, LOOPS, STENCIL_LOOPS, NUMPY, MEMORY = 1.05, 1.3, 2.0, 1.15, 1.10
GROUPS = {"workloads": "Workloads", "kernels": "Kernels"}


class Best(NamedTuple):
    title: str
    ratio: float  # time as a part of NumPy's


class Line(NamedTuple):
    """One workload: times as parts of NumPy's."""

    name: str
    group: str
    numpy: float | None  # seconds
    ratios: dict[str, float]
    problems: dict[str, str]
    memory: float | None
    array: Best | None
    loops: Best | None

    @property
    def maniple(self) -> float | None:
        return self.ratios.get("maniple")

    def against(self, best: Best | None) -> float | None:
        return None if best is None or self.maniple is None else self.maniple / best.ratio

    def missed(self) -> Iterator[str]:
        """The aims that this workload does not meet, in words."""
        if self.maniple is None:
            yield f"no result: {self.problems.get('maniple', self.problems.get('numpy', 'not measured'))}"
            return
        if self.maniple > NUMPY:
            yield f"{number(self.maniple)} of NumPy"
        against = self.against(self.array)
        if self.array is not None and against is not None and against > ARRAYS and self.array.title != "NumPy":
            yield f"{number(against)} of {self.array.title}"
        against = self.against(self.loops)
        if self.loops is not None and against is not None:
            if against > (STENCIL_LOOPS if self.name in STENCILS else LOOPS):
                yield f"{number(against)} of {self.loops.title}"
        if self.memory is not None and self.memory > MEMORY:
            yield f"{number(self.memory)} of NumPy's memory"


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def lines(figures: dict[str, Any], recorded: dict[str, Any]) -> list[Line]:
    return [line(row, recorded["ratios"], figures["scale"]) for row in figures["rows"]]


def line(row: dict[str, Any], recorded: dict[str, dict[str, float]], scale: float) -> Line:
    engines, name = row["engines"], row["workload"]
    plain = engines["numpy"]
    problems = {engine: result["error"] for engine, result in engines.items() if "error" in result}
    ratios: dict[str, float] = {}
    memory = None
    if "numpy" not in problems:
        good = {engine: result for engine, result in engines.items() if engine not in problems}
        ratios = {engine: result["median"] / plain["median"] for engine, result in good.items()}
        if "maniple" in good:
            memory = good["maniple"]["memory"] / plain["memory"]
    candidates = {
        style: [Best(peer.title, ratios[key]) for key, peer in PEERS.items() if peer.style == style and key in ratios]
        for style in ("array", "loops")
    }
    if "numpy" in ratios:
        candidates["array"].append(Best("NumPy", 1.0))
    # Measured elsewhere, with arrays of full size.
    if scale == 1.0:
        candidates["array"] += [Best(f"{title} ¹", known[name]) for title, known in recorded.items() if name in known]
    best = {style: min(found, key=lambda b: b.ratio, default=None) for style, found in candidates.items()}
    return Line(name, row["group"], plain.get("median"), ratios, problems, memory, best["array"], best["loops"])


def table(rows: list[Line], shown: list[str]) -> str:
    """The workloads of one group, and the geometric means below them."""
    arrays = [peer for peer in shown if PEERS[peer].style == "array"]
    loops = [peer for peer in shown if PEERS[peer].style == "loops"]
    head = [
        "workload", "NumPy ms", "Maniple", *(PEERS[peer].title for peer in arrays), "best on arrays", "Maniple / best",
        *(PEERS[peer].title for peer in loops), "Maniple / best loops", "memory",
    ]  # fmt: skip

    def cell(row: Line, engine: str) -> str:
        if engine in row.problems:
            return "differs" if row.problems[engine].startswith("differs") else "fails"
        return number(row.ratios.get(engine))

    text = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for row in rows:
        milliseconds = f"{row.numpy * 1e3:.1f}" if row.numpy is not None else ""
        best = f"{row.array.title} {number(row.array.ratio)}" if row.array is not None else ""
        cells = [
            row.name, milliseconds, f"**{cell(row, 'maniple')}**", *(cell(row, peer) for peer in arrays), best,
            number(row.against(row.array)), *(cell(row, peer) for peer in loops), number(row.against(row.loops)),
            number(row.memory),
        ]  # fmt: skip
        text.append(f"| {' | '.join(cells)} |")

    def mean(value: Callable[[Line], float | None]) -> str:
        known = [found for row in rows if (found := value(row)) is not None]
        return number(geometric_mean(known)) if known else ""

    means = [
        "geometric mean", "", f"**{mean(lambda row: row.maniple)}**",
        *(mean(lambda row, peer=peer: row.ratios.get(peer)) for peer in arrays),
        mean(lambda row: row.array.ratio if row.array is not None else None), mean(lambda row: row.against(row.array)),
        *(mean(lambda row, peer=peer: row.ratios.get(peer)) for peer in loops), mean(lambda row: row.against(row.loops)),
        mean(lambda row: row.memory),
    ]  # fmt: skip
    return "\n".join([*text, f"| {' | '.join(means)} |"])


def share(values: list[float], limit: float) -> str:
    within = sum(value <= limit for value in values)
    return f"{within} of {len(values)}" + (f" ({within / len(values):.0%})" if values else "")


def aims(rows: list[Line], vectors: str) -> str:
    """What is aimed at, and how far it is reached."""

    def found(value: Callable[[Line], float | None], wanted: Callable[[Line], bool] = lambda row: True) -> list[float]:
        return [v for row in rows if wanted(row) and (v := value(row)) is not None]

    ratios = found(lambda row: row.maniple)
    against_arrays = found(lambda row: row.against(row.array))
    against_loops = found(lambda row: row.against(row.loops))
    stencils = found(lambda row: row.against(row.loops), lambda row: row.name in STENCILS)
    memory = found(lambda row: row.memory)
    limit = 0.25 if "AVX-512" in vectors else 0.35
    small = next((row for row in rows if row.name.startswith("small_")), None)
    cells = [
        ("results are NumPy's", "all", f"{len(ratios)} of {len(rows)}"),
        ("geometric mean of Maniple / NumPy", f"≤ {limit:.2f} ({vectors})", number(geometric_mean(ratios))),
        (f"Maniple / NumPy ≤ {NUMPY}", "all", share(ratios, NUMPY)),
        ("Maniple / NumPy, loop of small arrays", f"≤ {NUMPY}", number(small.maniple) if small else "not measured"),
        (f"Maniple / best on arrays ≤ {ARRAYS}", "all", share(against_arrays, ARRAYS)),
        (f"Maniple / best loops ≤ {LOOPS}", "80 %", share(against_loops, LOOPS)),
        (f"Maniple / best loops ≤ {STENCIL_LOOPS:g}, stencils", "all", share(stencils, STENCIL_LOOPS)),
        (f"memory ≤ {MEMORY:.2f} of NumPy's", "all", share(memory, MEMORY)),
    ]
    return "\n".join(["| aim | wanted | reached |", "|---|---|---|", *(f"| {' | '.join(c)} |" for c in cells)])


def exceptions(rows: list[Line], explanations: dict[str, str]) -> str:
    text = []
    for row in rows:
        if missed := list(row.missed()):
            reason = " ".join(explanations.get(row.name, "Not explained yet.").split())
            text.append(f"- **{row.name}** ({'; '.join(missed)}): {reason}")
    return "\n".join(text) or "None."


def page(figures: dict[str, Any], recorded: dict[str, Any], explanations: dict[str, str], picture: str) -> str:
    rows = lines(figures, recorded)
    machine = figures["machine"]
    versions: dict[str, str] = {}
    for row in figures["rows"]:
        for engine, result in row["engines"].items():
            if "version" in result and engine != "maniple":
                title = {"numpy": "NumPy", "c": "gcc", "jax": "JAX", "numba-loops": "Numba"}.get(engine)
                versions[title or PEERS[engine].title] = result["version"]
    shown = [peer for peer in PEERS if any(peer in row["engines"] for row in figures["rows"])]
    scale = "" if figures["scale"] == 1.0 else f" Arrays are {figures['scale']:g} times as large as the names say."
    skipped = "".join(f"\n- left out: {PEERS[peer].title} ({reason})" for peer, reason in figures["skipped"].items())
    parts = [
        "# Performance",
        "Written by `benchmarks/performance.py`, which measures everything in one run; not to be edited. Times are medians of "
        f"{figures['repeats']} repetitions in turn, as parts of NumPy's: 0.25 is four times as fast. *Best on arrays* is the "
        "best of those that work on whole arrays, NumPy among them; *loops* were written for the workload, element by element. "
        "Memory is the peak during the computation, of the program and the server together, as a part of NumPy's."
        + scale,
        f"- date: {figures['date']}\n- machine: {machine['cores']} cores, {machine['processor']}, {machine['memory']}, "
        f"{machine['system']}, Python {machine['python']}\n- versions: "
        + ", ".join(f"{title} {version}" for title, version in versions.items())
        + skipped,
        f"![Time as a part of NumPy's, and of the best known]({picture})",
        "## Aims\n\n" + aims(rows, machine["processor"].rpartition(", ")[2]),
    ]
    for group, title in GROUPS.items():
        if members := [row for row in rows if row.group == group]:
            parts.append(f"## {title}\n\n{table(members, shown)}")
    if any(row.array is not None and row.array.title.endswith("¹") for row in rows):
        parts.append(f"¹ {recorded['about']}")
    parts.append(
        "## Exceptions\n\nWorkloads that miss an aim, and what it would take.\n\n" + exceptions(rows, explanations)
    )
    return "\n\n".join(parts) + "\n"


def draw(rows: list[Line], target: Path) -> None:
    """Bars of the time as a part of NumPy's, with marks for the best peers; bars of the time against the best known."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "performance", "svg.fonttype": "none", "font.size": 7})
    from matplotlib import pyplot

    known = [row for row in reversed(rows) if row.maniple is not None]
    figure, (left, right) = pyplot.subplots(
        1, 2, sharey=True, figsize=(10, 1.2 + 0.15 * len(known)), width_ratios=(3, 2), layout="constrained"
    )
    places = range(len(known))
    left.barh(places, [row.maniple for row in known], color="#4878a8", label="Maniple", height=0.7)
    for style, mark, colour, label in (
        ("array", "D", "#dd8452", "best on arrays"),
        ("loops", "o", "#222222", "best loops"),
    ):
        marks = [(best.ratio, i) for i, row in enumerate(known) if (best := getattr(row, style)) is not None]
        if marks:
            ratios, rows_of = zip(*marks, strict=True)
            left.plot(ratios, rows_of, mark, color=colour, label=label, markersize=4, markeredgecolor="white", mew=0.6)
    limits = [
        (i, row.maniple / min(b.ratio for b in (row.array, row.loops) if b is not None)) for i, row in enumerate(known)
    ]
    colours = ["#55a868" if value <= LOOPS else "#dd8452" for _, value in limits]
    right.barh([i for i, _ in limits], [value for _, value in limits], color=colours, height=0.7)
    for axis, title in ((left, "time / NumPy's"), (right, "time / the best known, loops included")):
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.axvline(1.0, color="black", linewidth=0.8)
        axis.set_title(title)
        axis.grid(axis="x", alpha=0.3)
    left.set_yticks(places, [row.name for row in known])
    left.set_ylim(-0.6, len(known) - 0.4)
    left.legend(loc="upper left", bbox_to_anchor=(0, -0.02), ncols=3)
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    picture = target.with_suffix(".svg")
    figures = json.loads(source.read_text())
    recorded = json.loads(RECORDED.read_text())
    explanations = tomllib.loads(EXPLANATIONS.read_text())
    target.write_text(page(figures, recorded, explanations, picture.name))
    if importlib.util.find_spec("matplotlib") is None:
        print(
            f"{picture.name} is not drawn: it needs Matplotlib (pip install -r requirements/test.txt)", file=sys.stderr
        )
        return
    draw(lines(figures, recorded), picture)


if __name__ == "__main__":
    main()
