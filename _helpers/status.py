"""What the last run of every tutorial gave, beside the reference that was looked at: the status page.

``nox -s examples`` leaves a record of each run in ``docs/_build/runs``; ``--accept`` makes it the
reference in ``docs/reference``, which is committed. The page shows both and every difference.
"""

import html
import json

from _helpers.contracts import CONTRACTS, parse
from _helpers.pages import short_name
from _helpers.record import drift


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
        name = short_name(page)
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
            CONTRACTS[name].headline.format(**last["contract"]),
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
