"""Sphinx directives of the page *On real EEG*: a result on people beside the simulated one.

``.. real-table:: nm000109 plot_73 regimes`` is a table with a column for the simulated study, as this
build ran it, and one for the real one, as ``docs/real/`` keeps it. ``.. real-figure:: nm000109 plot_73
2`` shows the same figure twice. ``.. real-data:: nm000109`` says where the results are from, and
``.. real-cost:: nm000109`` what it takes to have them again.
"""

from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from _helpers.contracts import CONTRACTS
from _helpers.contracts.base import REGIMES
from _helpers.live import figure_lines, source_of
from _helpers.record import RecordError, load
from _helpers.results import _table

PAGES = [name for name, model in CONTRACTS.items() if model.on_real]
PAIRS = (
    "full-finetune - from-scratch",
    "linear-probe - from-scratch",
    "full-finetune - linear-probe",
)
CONTROLS = ("zero-shot", "shuffled pretraining", "random frozen encoder", "band power")


def _scores(name, prefix=""):
    """Rows of one entry of ``score_people``."""
    return [
        (f"{name}: r", f"{prefix}pearson_r", f"{prefix}r_ci", "+.2f"),
        (
            f"{name}: MSE / train mean's",
            f"{prefix}mse_ratio",
            f"{prefix}mse_ratio_ci",
            ".2f",
        ),
    ]


NULL = [
    ("null: r", "null_r", "null_r_ci", "+.2f"),
    ("null: MSE / train mean's", "null_mse_ratio", "null_mse_ratio_ci", ".2f"),
]
PEOPLE = [
    ("score", "target"),
    ("people trained on", "n_train_subjects"),
    ("people tested", "n_test_subjects"),
]
#: What a table shows: name of the row, key of the value, key of its interval, format.
TABLES = {
    ("plot_73", "people"): [
        ("people to pretrain on", "n_source_subjects"),
        ("labelled people", "n_train_subjects"),
        ("people who choose", "n_val_subjects"),
        ("people tested", "n_test_subjects"),
        ("windows of a labelled group", "n_windows.train"),
        ("windows tested", "n_windows.test"),
        ("steps to pretrain", "n_steps.pretraining"),
        ("steps per regime", "n_steps.regime"),
    ],
    ("plot_73", "regimes"): [
        *((r, f"accuracy.{r}", f"accuracy_ci.{r}", ".3f") for r in REGIMES),
        ("guessing", "chance_level", "chance_interval", ".3f"),
        ("validation people prefer", "best_regime"),
        *((f"*{p}*", f"paired.{p}.mean", f"paired.{p}.ci", "+.3f") for p in PAIRS),
    ],
    ("plot_73", "controls"): [
        *((name, f"controls.{name}", f"controls_ci.{name}", ".3f") for name in CONTROLS),
        *(
            (
                f"*{name} - from-scratch*",
                f"controls_over_scratch.{name}.mean",
                f"controls_over_scratch.{name}.ci",
                "+.3f",
            )
            for name in ("zero-shot", "band power")
        ),
    ],
    ("plot_73", "labels"): [
        row
        for kind in ("encoder", "band power")
        for row in [
            *(
                (
                    f"{kind}, labels of {who}"
                    if who != "own windows"
                    else f"{kind}, own windows",
                    f"labels_from.{kind}.{who}",
                    f"labels_from_ci.{kind}.{who}",
                    ".3f",
                )
                for who in ("source people", "labelled people", "own windows")
            ),
            (
                f"*{kind}, own - labelled people*",
                f"own_gain.{kind}.mean",
                f"own_gain.{kind}.ci",
                "+.3f",
            ),
        ]
    ],
    ("plot_11", "leak"): [
        ("people", "n_subjects"),
        ("windows", "n_windows"),
        ("r over windows, windows shuffled", "window_split_r", None, "+.2f"),
        ("r over windows, people kept whole", "subject_split_r", None, "+.2f"),
        (
            "r over people, people kept whole",
            "subject_split_person_r",
            "subject_split_person_r_ci",
            "+.2f",
        ),
        ("overlap, shuffled", "overlap_accuracy.overlap, shuffled", None, ".2f"),
        (
            "overlap, stretches kept whole",
            "overlap_accuracy.overlap, stretches kept whole",
            None,
            ".2f",
        ),
    ],
    ("plot_80", "score"): [
        *PEOPLE,
        *_scores("ridge"),
        *_scores("forest", "forest."),
        *NULL,
        ("leak, forest: windows shuffled", "window_split_r", None, "+.2f"),
        ("leak, forest: people kept whole", "subject_split_r", None, "+.2f"),
    ],
    ("plot_81", "score"): [
        *PEOPLE,
        *_scores("network"),
        *_scores("ridge", "ridge."),
        *NULL,
        (
            "error of ridge minus network's",
            "ridge_minus_network",
            "ridge_minus_network_ci",
            "+.2f",
        ),
    ],
}


def _get(content, key):
    """Value behind keys joined by dots."""
    for word in key.split("."):
        content = content[word]
    return content


def _cell(content, key, interval=None, spec=""):
    """A value, with its interval in brackets; or an interval alone."""
    value = _get(content, key)
    text = "" if isinstance(value, list) else format(value, spec)
    ends = value if isinstance(value, list) else _get(content, interval) if interval else ()
    if ends:
        low, high = (format(end, spec) for end in ends)
        text = f"{text} [{low}, {high}]".strip()
    return text.replace("-", "\N{MINUS SIGN}") if spec else text


def _keyword(words, known):
    if words not in known:
        raise ExtensionError(f"{words} is not shown here: there is {sorted(known)}")
    return words


class _RealDirective(SphinxDirective):
    """What the directives share."""

    def result(self, study, tutorial):
        """A kept result; the page is made again when it changes."""
        path = Path(self.env.srcdir) / "real" / study / f"{tutorial}.json"
        self.env.note_dependency(str(path))
        try:
            return load(path)
        except RecordError as err:
            raise ExtensionError(str(err)) from err


class RealTable(_RealDirective):
    """``.. real-table:: STUDY TUTORIAL PART``: the same numbers, simulated and real."""

    required_arguments = 3

    def run(self):
        """A table."""
        study, *words = self.arguments
        tutorial = words[0].partition("-")[0]  # what follows is a target of its own
        rows = TABLES[_keyword((tutorial, words[1]), TABLES)]
        page, simulated, _ = source_of(self.env.srcdir, f"{tutorial}.data")
        self.env.note_dependency(str(page))
        real = self.result(study, words[0]).contract
        try:
            lines = [
                [name, _cell(simulated, *how), _cell(real, *how)] for name, *how in rows
            ]
        except (KeyError, TypeError, ValueError) as err:
            raise ExtensionError(
                f"{words[0]} of {study} has no such value: {type(err).__name__} {err}"
            ) from err
        return self.parse_text_to_nodes(
            "\n".join(_table(["result", "simulated", study], lines))
        )


class RealFigure(_RealDirective):
    """``.. real-figure:: STUDY TUTORIAL NUMBER``: the same figure, simulated and real."""

    required_arguments = 3

    def run(self):
        """Two figures under each other, each at its natural size."""
        study, tutorial, number = self.arguments
        figures = self.result(study, tutorial).figures
        if not 1 <= int(number) <= len(figures):
            raise ExtensionError(
                f"{tutorial} of {study} has figures 1 to {len(figures)}, not {number}"
            )
        own = figures[int(number) - 1]
        text, page = figure_lines(self.env.srcdir, tutorial, int(number))
        self.env.note_dependency(str(page))
        image = nodes.image(
            uri=f"/real/{study}/{own.file}",
            alt=own.alt,
            width=f"{own.width}px",
            height=f"{own.height}px",
            loading="lazy",
        )
        link = f":doc:`/auto_examples/{page.stem}`"
        above = self.parse_text_to_nodes(f"**Simulated**, from {link}:\n\n{text}")
        below = self.parse_text_to_nodes(f"**{study}**, the same script:\n")
        box = nodes.container("", image, classes=["figure-scroll"])
        return [*above, *below, box]


class RealData(_RealDirective):
    """``.. real-data:: STUDY``: what the results were made from."""

    required_arguments = 1

    def run(self):
        """A table."""
        study = self.arguments[0]
        kept = {tutorial: self.result(study, tutorial) for tutorial in PAGES}
        marks = {own.provenance.sha256 for own in kept.values()}
        if len(marks) != 1:
            raise ExtensionError(
                f"the results of {study} are of different data: run all of them again"
            )
        run = kept[PAGES[0]]
        own = run.provenance
        first = own.opened[0]
        dates = sorted({r.date for r in kept.values()})
        rows = [
            ["study", f"{own.title or own.dataset} (``{own.dataset}``)"],
            ["licence, citation", own.credit or "see the study"],
            [
                "people, recordings",
                f"{own.n_people}, {own.n_recordings} ({own.megabytes:,.1f} MB on disk)",
            ],
            [
                "window",
                f"{first.channels} channels, {first.samples / first.sfreq:g} s at {first.sfreq:g} Hz",
            ],
            ["fingerprint of the data", f"``{own.sha256[:16]}``"],
            ["run on", f"{' to '.join({dates[0], dates[-1]})}; {run.machine.cpu}"],
            ["with", ", ".join(f"{k} {v}" for k, v in run.versions.items())],
        ]
        return self.parse_text_to_nodes("\n".join(_table(["item", "what it is"], rows)))


class RealCost(_RealDirective):
    """``.. real-cost:: STUDY``: seconds and memory of each tutorial, and of all."""

    required_arguments = 1

    def run(self):
        """A table, and a sentence with the sums."""
        study = self.arguments[0]
        own = {t: self.result(study, t) for t in PAGES}
        rows = [[t, f"{p.seconds:.0f}", f"{p.peak_mb:,.0f}"] for t, p in own.items()]
        first = own[PAGES[0]].provenance
        minutes = sum(p.seconds for p in own.values()) / 60
        lines = _table(["tutorial", "seconds", "peak MB"], rows)
        size = first.megabytes_catalogue
        fetched = f", {size:,.0f} MB in the catalogue of EEGDash" if size else ""
        lines += [
            f"Together {minutes:.0f} minutes on one core, once the recordings are there: "
            f"{first.megabytes:,.0f} MB here{fetched}.",
            "",
        ]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app):
    """Register the directives."""
    app.add_directive("real-table", RealTable)
    app.add_directive("real-figure", RealFigure)
    app.add_directive("real-data", RealData)
    app.add_directive("real-cost", RealCost)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
