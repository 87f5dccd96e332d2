"""What the last run of every tutorial gave, beside the reference that was looked at: the status page.

``nox -s examples`` leaves a record of each run in ``docs/_build/runs``; ``--accept`` makes it the
reference in ``docs/reference``, which is committed. The page shows both and every difference.
"""

import contextlib
import datetime
import html
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from pathlib import Path

from _helpers.contract import CONTRACTS, parse
from _helpers.pages import ROOT

RUNS = ROOT / "docs" / "_build" / "runs"
REFERENCE = ROOT / "docs" / "reference"
#: What a run has to say in one line, filled from its contract.
HEADLINES = {
    "plot_10": "Cz {cz_rms_before_uv:.2f} to {cz_rms_after_uv:.2f} µV; picking before referencing is wrong by {pick_first_difference:.0%}",
    "plot_11": "nothing to learn: r {window_split_r:+.2f} with shuffled windows, {subject_split_r:+.2f} with people kept whole",
    "plot_71": "gain of a probe: rest to side {gain[probe][rest -> side]:+.2f}, flicker to side {gain[probe][flicker -> side]:+.2f}",
    "plot_72": "r within people {within_r[person]:+.2f}; identity read with accuracy {identity_accuracy[none]:.2f} before, {identity_accuracy[person]:.2f} after",
    "plot_73": "{best_regime} {best_accuracy:.2f} against chance {chance_level:.2f}; {gap_vs_scratch:+.2f} over from-scratch",
    "plot_80": "ridge r {pearson_r:+.2f}, error {mse_ratio:.2f} of the train mean's; null {null_r:+.2f}",
    "plot_81": "network r {pearson_r:+.2f}, error {mse_ratio:.2f} of the train mean's; null {null_r:+.2f}",
    "plot_90": "second pass over {n_recordings} recordings: {n_done} done again, {n_skipped} skipped, {n_failed} failed; {n_tasks} cells on {engine} and in a loop identical: {results_identical}",
}


def machine():
    """What the numbers were made on.

    Returns
    -------
    dict of str to str
        Processor, its number of cores, accelerator, system and Python.
    """
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, TypeError):
        cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())[1]
    try:
        found = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
        ).stdout.strip()
    except OSError:
        found = ""
    return {
        "cpu": f"{cpu}, {os.cpu_count()} cores",
        "gpu": found or "none",
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions():
    """Version of every package that a tutorial may import, as installed here."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    names = [line.split("==")[0] for line in lines if line and not line.startswith("#")]
    return {name: importlib.metadata.version(name) for name in names}


def record(run):
    """Everything the status page says about one run.

    Parameters
    ----------
    run : _helpers.run_example.Run
        A run in a process of its own.

    Returns
    -------
    dict
        Contract, seconds, memory in MB, machine, versions and day.
    """
    return {
        "contract": json.loads(run.line),
        "seconds": round(run.seconds, 1),
        "peak_mb": round(run.memory.peak),
        "private_mb": None
        if run.memory.private != run.memory.private
        else round(run.memory.private),
        "machine": machine(),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def write(folder, content):
    """Write a record to ``folder``, under the name of its tutorial, by way of a temporary name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{content['contract']['tutorial']}.json"
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(path)


def _flat(value, name=""):
    if isinstance(value, dict):
        pairs = [(f"{name}.{key}" if name else key, inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{name}.{i}", inner) for i, inner in enumerate(value)]
    else:
        return {name: value}
    return {key: leaf for inner, item in pairs for key, leaf in _flat(item, inner).items()}


def drift(values, reference):
    """What left the tolerance band of its schema.

    Parameters
    ----------
    values, reference : dict
        Two contracts of one tutorial.

    Returns
    -------
    dict of str to tuple
        Key, with dots -> (value, reference value). A key that only one of them has is drift, and
        so is any change of a word, a count or a yes or no.
    """
    bands = CONTRACTS[reference["tutorial"]]
    now, then = _flat(values), _flat(reference)
    found = {}
    for key in {**then, **now}:
        a, b = now.get(key), then.get(key)
        numbers = isinstance(a, float) and isinstance(b, int | float)
        if not (abs(a - b) <= bands.band(key, b) if numbers else a == b):
            found[key] = (a, b)
    return found


def _short(value):
    return (
        f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    )


def _details(name, last, moved):
    """Schema and values of one contract, folded."""
    rows = []
    for key, field in CONTRACTS[name].model_fields.items():
        value = html.escape(json.dumps(last["contract"][key], ensure_ascii=False))
        text = html.escape(field.description or "")
        rows.append(
            f"<tr><td><code>{key}</code></td><td>{text}</td><td><code>{value}</code></td></tr>"
        )
    lines = "".join(
        f"<li><code>{html.escape(key)}</code>: {html.escape(_short(a))}, reference {html.escape(_short(b))}</li>"
        for key, (a, b) in moved.items()
    )
    drifted = f"<p>Outside the band of the reference:</p><ul>{lines}</ul>" if moved else ""
    return [
        ".. raw:: html",
        "",
        f'   <details class="contract"><summary>{name}: every key of its line</summary>{drifted}'
        '<div class="pst-scrollable-table-container" tabindex="0" role="group" aria-label="Contract">'
        '<table class="table"><thead><tr><th scope="col">key</th><th scope="col">what it is</th>'
        f'<th scope="col">last run</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div></details>',
        "",
    ]


def status_lines(pages, runs, references):
    """Restructured text of the status page.

    Parameters
    ----------
    pages : list of str
        Documents of the tutorials, e.g. ``["auto_examples/plot_73_finetune_pretrained_model"]``.
    runs, references : dict of str to dict
        Records by tutorial: of the last run here, and those that were accepted.

    Returns
    -------
    list of str
        A table with a row per tutorial, the machines, and every contract folded.
    """
    head = [
        "tutorial",
        "result",
        "data",
        "seconds",
        "peak MB",
        "against the reference",
        "run",
    ]
    lines = [".. list-table::", "   :header-rows: 1", "   :class: status", ""]
    lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(head)]
    made_on, folded = {}, []
    for page in pages:
        name = "_".join(Path(page).name.split("_")[:2])
        last = runs.get(name) or references.get(name)
        if last is None:
            cells = [f":doc:`/{page}`", "not run yet: ``nox -s examples``", *[""] * 5]
            lines += [
                f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(cells)
            ]
            continue
        parse(
            json.dumps(last["contract"])
        )  # a record that breaks its schema stops the build
        if name not in references:
            held, moved = "no reference yet", {}
        elif name not in runs:
            held, moved = "this is the reference", {}
        else:
            moved = drift(last["contract"], references[name]["contract"])
            held = f"**{len(moved)} values drifted**" if moved else "held"
        label = made_on.setdefault(
            json.dumps([last["machine"], last["versions"], last["date"]]), len(made_on) + 1
        )
        cells = [
            f":doc:`/{page}`",
            HEADLINES[name].format(**last["contract"]),
            last["contract"]["data"],
            f"{last['seconds']:.1f}",
            f"{last['peak_mb']:.0f}",
            held,
            f"\\({label})",
        ]
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(cells)]
        folded += _details(name, last, moved)
    lines.append("")
    for key, label in made_on.items():
        where, packages, day = json.loads(key)
        names = ", ".join(f"{package} {version}" for package, version in packages.items())
        lines += [
            f"Run {label}: {day}, on {where['cpu']}, accelerator {where['gpu']}, {where['system']}, "
            f"Python {where['python']}; {names}.",
            "",
        ]
    return [*lines, *folded]


def records(folder):
    """Records of a folder, by tutorial; an absent folder has none."""
    found = [
        json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("plot_*.json"))
    ]
    return {content["contract"]["tutorial"]: content for content in found}
