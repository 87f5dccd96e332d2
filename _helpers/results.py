"""Sphinx directives that put measured numbers on a page: never typed by hand, missing ones break the build."""

import json
import statistics
import sys
from pathlib import Path

from docutils.parsers.rst import directives
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from _helpers.contracts.base import REGIMES
from _helpers.pages import EXAMPLES
from _helpers.record import records
from _helpers.status import status_lines


def _table(header, rows):
    """Lines of a list-table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (header, *rows):
        for i, cell in enumerate(row):
            lines.append(f"   {'*' if i == 0 else ' '} - {cell}")
    return [*lines, ""]


def _mean(values):
    return f"{statistics.mean(values):.3f} (sd {statistics.stdev(values):.3f})"


def evidence_lines(content):
    """Restructured text for the runs of plot_73 on other data seeds.

    Parameters
    ----------
    content : dict
        ``docs/evidence.json``.

    Returns
    -------
    list of str
        Lines of restructured text.
    """
    runs = [run["contract"] for run in content["plot_73"]]
    n = len(runs)
    rows = []
    for budget in runs[0]["budgets"]["from-scratch"]:
        means = {r: [run["budgets"][r][budget][0] for run in runs] for r in REGIMES}
        wins = {
            r: sum(a > b for a, b in zip(means[r], means["from-scratch"], strict=True))
            for r in REGIMES
        }
        cells = [_mean(means[r]) for r in REGIMES]
        rows.append(
            [
                budget,
                *cells,
                f"{wins['full-finetune']} of {n}",
                f"{wins['linear-probe']} of {n}",
            ]
        )
    header = ["labelled people", *REGIMES, "full above scratch", "probe above scratch"]
    lines = [f"Mean test accuracy over {n} draws of people (sd between draws).", ""]
    lines += _table(header, rows)
    for pair in runs[0]["paired"]:
        clear = sum(run["paired"][pair]["ci"][0] > 0 for run in runs)
        mean = statistics.mean(run["paired"][pair]["mean"] for run in runs)
        lines.append(
            f"- {pair}: {mean:+.3f} on average; interval above zero in {clear} of {n}."
        )
    lines += ["", "Controls at the main budget, mean over the same draws.", ""]
    rows = [
        [name, _mean([r["controls"][name] for r in runs])] for name in runs[0]["controls"]
    ]
    lines += _table(["control", "test accuracy"], rows)
    return lines


def pfactor_lines(content):
    """Restructured text for the runs of plot_80 and plot_81 on other data seeds.

    Parameters
    ----------
    content : dict
        ``docs/evidence.json``.

    Returns
    -------
    list of str
        Lines of restructured text.
    """
    features, deep = (
        [run["contract"] for run in content[page]] for page in ("plot_80", "plot_81")
    )
    n = len(deep)

    def row(name, runs, keys, expected):
        r, ci, ratio = ([run[key] for run in runs] for key in keys)
        hits, below = sum(map(expected, ci)), sum(value < 1 for value in ratio)
        return [name, _mean(r), f"{hits} of {n}", _mean(ratio), f"{below} of {n}"]

    effect = (("pearson_r", "r_ci", "mse_ratio"), lambda ci: ci[0] > 0)
    null = (("null_r", "null_r_ci", "null_mse_ratio"), lambda ci: ci[0] <= 0 <= ci[1])

    head = ["model", "r", "interval of r above 0", "MSE / train mean's", "below 1"]
    lines = [f"{n} draws of people, effect planted (sd between draws).", ""]
    forest = [run["forest"] for run in features]
    lines += _table(
        head,
        [
            row("ridge", features, *effect),
            row("random forest", forest, *effect),
            row("network", deep, *effect),
        ],
    )
    _, holds_zero = null
    ties = sum(holds_zero(run["ridge_minus_network_ci"]) for run in deep)
    better = sum(run["ridge_minus_network"] > 0 for run in deep)
    lines += [
        f"The network has the smaller error in {better} of {n} draws; by its paired interval the "
        f"two tie in {ties} of {n}.",
        "",
        "The null: the same people, and no trace of the score in any signal.",
        "",
    ]
    head[2] = "interval of r holds 0"
    lines += _table(head, [row("ridge", features, *null), row("network", deep, *null)])
    lines += ["The leak, on the null, where every correlation is wrong.", ""]
    keys = {"ridge": "_ridge", "random forest": ""}
    rows = [
        [
            name,
            *(
                _mean([r[f"{way}_split_r{end}"] for r in features])
                for way in ("window", "subject")
            ),
        ]
        for name, end in keys.items()
    ]
    lines += _table(
        ["r over held-out windows", "windows shuffled", "people kept whole"], rows
    )
    shares = {
        "trained": "attribution_share",
        "untrained": "attribution_share_random_init",
        "trained on the null": "attribution_share_null",
    }
    lines += [
        "Part of the frequency map on the two electrodes of the effect, in alpha.",
        "",
    ]
    rows = []
    for name, key in shares.items():
        values = [run[key] for run in deep]
        rows.append([name, _mean(values), f"{min(values):.2f} to {max(values):.2f}"])
    return lines + _table(["network", "share", "range"], rows)


def benchmark_lines(content):
    """Restructured text for ``docs/benchmarks.json``."""
    found = content["finetune"]
    rows = []
    for row in found["rows"]:
        spread = f"{row['lowest']:.1f} to {row['highest']:.1f}"
        same = f"{row['difference']:.0e}" if "difference" in row else "-"
        rows.append([row["what"], row["against"], f"{row['ratio']:.1f}x", spread, same])
    lines = _table(["this", "against", "faster by", "spread", "largest difference"], rows)
    peak, line = found["peak"], found["line"]
    lines += [
        f"Training runs at {peak['training_gflop_per_s']:.0f} GFLOP/s, {peak['fraction']:.0%} of the "
        f"{peak['sgemm_gflop_per_s']:.0f} GFLOP/s that one core reaches in a matrix product.",
        "",
        f"One more labelled person costs {line['seconds_per_person'] * 1e3:.0f} ms of CPU at a fixed "
        f"number of epochs; over {line['people'][0]} to {line['people'][-1]} people the worst "
        f"distance from a straight line is {line['worst_residual'] * 1e3:.0f} ms.",
        "",
    ]
    return lines


def machine_lines(content):
    """One line that says what a result was measured on."""
    names = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
    machine = content["machine"]
    return [f"Measured on {machine['cpu']}; python {machine['python']}, {names}.", ""]


def scale_lines(content):
    """Restructured text for the part ``scale`` of ``docs/benchmarks.json``."""
    found = content["scale"]
    rows = []
    for row in [*found["sizes"], found["at_once"]]:
        each = f"{row['cpu_seconds'] / row['people'] * 1e3:.0f} ms"
        how = "as one study" if row is found["at_once"] else "one by one"
        cells = [each, f"{row['wall_seconds']:.1f} s", f"{row['peak_mb']:.0f} MB"]
        rows.append([f"{row['people']}", how, *cells])
    lines = _table(["people", "opened", "CPU time each", "wall time", "peak memory"], rows)
    lines += [
        f"Each person is {found['recording_seconds']} s of 129 channels at 500 Hz. One more person "
        f"costs {found['seconds_per_person'] * 1e3:.0f} ms of CPU; the worst distance from a straight "
        f"line is {found['worst_residual'] * 1e3:.0f} ms.",
        "",
    ]
    workers = found["workers"]
    n, cell = workers["n_cells"], workers["cell_seconds"]
    rows = [
        [name, f"{way['ratio']:.2f}x", f"{way['lowest']:.2f} to {way['highest']:.2f}"]
        for name, way in workers["ways"].items()
    ]
    lines += [
        f"A grid of {n} cells of {cell:.1f} s: two warm workers against a loop, in turn, "
        f"rounds: {workers['rounds']}.",
        "",
    ]
    lines += _table(["workers", "faster by", "spread"], rows)
    task, paid = workers["task_seconds"] * 1e3, workers["paid_once_seconds"]
    lines += [
        f"An empty task takes {task:.1f} ms. Starting two workers and importing there takes "
        f"{paid:.1f} s, once.",
        "",
        _pays(workers),
        "",
    ]
    reader = found["reader"]
    lines += [
        f"The training reader delivers {reader['windows_per_second']:,.0f} windows a second from "
        f"{reader['people']} files in random order, at {reader['bytes_per_window']:,} bytes each. One "
        f"memmap with the same windows delivers {reader['memmap_windows_per_second']:,.0f}; per batch "
        f"it takes {reader['ratio']:.2f} of the reader's time ({reader['lowest']:.2f} to "
        f"{reader['highest']:.2f}).",
        "",
    ]
    return lines


def _pays(workers):
    """From what length of work workers are faster than a loop, in words."""
    if workers["pays_from_seconds"] is None:
        return (
            "In this measurement two workers were not faster than the loop: the two cores were not "
            "free, or share what the work needs. Then no length of work pays."
        )
    task = workers["task_pays_from_seconds"] * 1e3
    return (
        f"So two workers pay for work that takes a loop more than "
        f"{workers['pays_from_seconds']:.0f} s, in tasks longer than {task:.0f} ms."
    )


def scale_figure(content, path):
    """Draw cost and memory against people.

    Parameters
    ----------
    content : dict
        ``docs/benchmarks.json``.
    path : pathlib.Path
        SVG to write.

    Returns
    -------
    str
        Words for readers who do not see it.
    """
    import matplotlib.pyplot as plt

    found = content["scale"]
    people = [row["people"] for row in found["sizes"]]
    seconds = [row["cpu_seconds"] for row in found["sizes"]]
    memory = [row["peak_mb"] for row in found["sizes"]]
    once, slope = found["at_once"], found["seconds_per_person"]
    at = statistics.mean(people), statistics.mean(seconds)
    style = {
        "svg.hashsalt": "tutorials",
        "svg.fonttype": "path",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with plt.rc_context(style):
        fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.4), layout="constrained")
        ends = [0, max(people)]
        line = [at[1] + slope * (x - at[0]) for x in ends]
        left.plot(ends, line, color="#64748B", linewidth=1, label="straight line")
        left.plot(people, seconds, "o", color="#006CA3", label="one by one")
        left.set(xlabel="people", ylabel="CPU time in s", title="A  Cost grows in line")
        right.plot(people, memory, "o-", color="#006CA3", label="one by one")
        right.plot(
            once["people"], once["peak_mb"], "D", color="#D97706", label="as one study"
        )
        right.set(xlabel="people", ylabel="peak memory in MB", title="B  Memory stays flat")
        right.set(ylim=(0, 1.25 * max(*memory, once["peak_mb"])))
        for axes in (left, right):
            axes.set_title(axes.get_title(), loc="left", fontsize=10, fontweight="bold")
            axes.set_title("")
            axes.legend(frameon=False, fontsize=8, loc="best")
        path.parent.mkdir(parents=True, exist_ok=True)
        fig.savefig(path, metadata={"Date": None}, facecolor="white")
        plt.close(fig)
    return (
        f"Two panels against {people[0]} to {people[-1]} people. CPU time: "
        f"{', '.join(f'{s:.0f}' for s in seconds)} s, on a line. Peak memory: "
        f"{', '.join(f'{m:.0f}' for m in memory)} MB one by one, {once['peak_mb']:.0f} MB for "
        f"{once['people']} people as one study."
    )


#: A dataset of the catalogue, and how many people a table of costs is made for.
COHORT, COHORT_SIZES = "ds005505", (136, 3000)


def cost_lines(content):
    """Restructured text: what cohorts cost, from the benchmark and the catalogue's sizes.

    Parameters
    ----------
    content : dict
        ``docs/benchmarks.json``.

    Returns
    -------
    list of str
        Lines of restructured text.
    """
    sys.path.append(str(EXAMPLES))
    try:
        import _study
    finally:
        sys.path.remove(str(EXAMPLES))
    hbn, workers = content["scale"]["hbn"], content["scale"]["workers"]
    n_listed, megabytes = _study.download_size(COHORT)
    each = megabytes / n_listed
    cpu = hbn["cpu_seconds"] / hbn["people"]
    kept = hbn["window_bytes"] / hbn["people"] / 1e6
    two = workers["ways"]["this page"]["ratio"]
    rows = []
    for n in COHORT_SIZES:
        rows.append(
            [
                f"{n:,}",
                f"{n * each / 1e3:,.1f} GB",
                f"{n * kept / 1e3:,.2f} GB",
                f"{n * cpu / 3600:,.2f} core-hours",
                f"{n * cpu / two / 60:,.1f} min",
                f"{hbn['peak_mb']:,.0f} MB",
            ]
        )
    head = ["people", "recordings", "windows", "to windows", "on two workers"]
    lines = _table([*head, "memory per worker"], rows)
    seconds = hbn["recording_seconds"]
    lines += [
        f"Recordings: {each:.0f} MB of resting state a person, as in ``{COHORT}`` of EEGDash's "
        f"catalogue, which lists {n_listed} people. Everything else was measured on {hbn['people']} "
        f"simulated people of {seconds} s, 129 channels and 500 Hz, whose files were on this machine: "
        f"{cpu:.2f} s of CPU, {kept:.2f} MB of windows each. Downloading, and a disk that is slower "
        "than its machine, come on top.",
        "",
    ]
    return lines


KINDS = {
    "finetune": evidence_lines,
    "pfactor": pfactor_lines,
    "benchmarks": benchmark_lines,
    "scale": scale_lines,
    "finetune-machine": lambda content: machine_lines(content["finetune"]),
    "scale-machine": lambda content: machine_lines(content["scale"]),
    "evidence-machine": lambda content: machine_lines(content["plot_73"][0]),
    "cost": cost_lines,
}


class Measured(SphinxDirective):
    """``.. measured:: FILE`` with ``:show:`` one of ``KINDS``."""

    required_arguments = 1
    option_spec = {"show": lambda word: directives.choice(word, tuple(KINDS))}  # noqa: RUF012

    def run(self):
        """Parse the lines that the file's numbers make."""
        path = Path(self.env.srcdir) / self.arguments[0]
        self.env.note_dependency(str(path))
        try:
            lines = KINDS[self.options["show"]](json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError) as err:
            raise ExtensionError(
                f"{path.name} cannot be shown: {type(err).__name__} {err}"
            ) from err
        return self.parse_text_to_nodes("\n".join(lines))


class Status(SphinxDirective):
    """``.. status::``: the last run of every tutorial beside its reference."""

    def run(self):
        """A table, and the contracts."""
        docs = Path(self.env.srcdir)
        here = docs / "_build" / "runs", docs / "reference"
        for folder in here:
            for path in (folder, *folder.glob("*.json")):
                self.env.note_dependency(str(path))
        pages = sorted(
            f"auto_examples/{path.stem}"
            for path in (docs / "auto_examples").glob("plot_*.rst")
        )
        return self.parse_text_to_nodes("\n".join(status_lines(pages, *map(records, here))))


class MeasuredFigure(SphinxDirective):
    """``.. measured-figure:: FILE``: cost and memory of a cohort, drawn from the file's numbers."""

    required_arguments = 1

    def run(self):
        """Draw and show it."""
        source = Path(self.env.srcdir) / self.arguments[0]
        self.env.note_dependency(str(source))
        # Beside the figures of the tutorials, which are made anew as well.
        target = Path("auto_examples") / "images" / "measured_scale.svg"
        try:
            content = json.loads(source.read_text("utf-8"))
            alt = scale_figure(content, Path(self.env.srcdir) / target)
        except (OSError, ValueError, KeyError) as err:
            raise ExtensionError(
                f"{source.name} cannot be drawn: {type(err).__name__} {err}"
            ) from err
        text = f".. container:: figure-scroll\n\n   .. image:: /{target.as_posix()}\n      :alt: {alt}\n      :width: 787px\n"
        return self.parse_text_to_nodes(text)


def setup(app):
    """Register the directives."""
    app.add_directive("measured", Measured)
    app.add_directive("status", Status)
    app.add_directive("measured-figure", MeasuredFigure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
