"""Sphinx directives that put measured numbers on a page: never typed by hand, missing ones break the build."""

import json
import statistics
from pathlib import Path
from typing import get_args

from docutils.parsers.rst import directives
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from _helpers.contract import Regime
from _helpers.status import records, status_lines

REGIMES = get_args(Regime)


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
    runs = content["finetune"]
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
    features, deep = content["pfactor_features"], content["pfactor_deep"]
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
    machine = dict(content["machine"])
    first = f"{machine.pop('processor')}, {machine.pop('cores')} cores"
    return [
        f"Measured on {first}; {', '.join(f'{k} {v}' for k, v in machine.items())}.",
        "",
    ]


KINDS = {
    "finetune": evidence_lines,
    "pfactor": pfactor_lines,
    "benchmarks": benchmark_lines,
    "machine": machine_lines,
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


def setup(app):
    """Register the directives."""
    app.add_directive("measured", Measured)
    app.add_directive("status", Status)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
