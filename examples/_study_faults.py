"""The judgement of signals: what is refused, and what is printed as doubtful.

It takes what :func:`_study_signals.look` measured in each recording, and the windows. The limits
stand in :mod:`_study_signals`.
"""

import numpy as np
import pandas as pd

from _study_catalogue import StudyError
from _study_signals import (
    BAD_CHANNEL,
    CHANNEL_TIMES,
    DOUBTFUL_CLIPPED,
    DOUBTFUL_FLAT,
    DOUBTFUL_UV,
    GROSS_CLIPPED,
    GROSS_FLAT,
    GROSS_TIMES,
    GROSS_UV,
    JUMP_UV,
    MAINS_UV,
    PERSON_TIMES,
    REFERENCES,
    UNITS,
)

MOST_LINES = 8
UNIT = "correct the unit in the header of the file or export it again"
BAD_SPAN = "look at it in MNE, and mark it with an event BAD_jump"
FIXES = {
    "scale": UNIT,
    "unit": "correct the units in channels.tsv, or find out which of the two is right",
    "person": UNIT,
    "flat": BAD_CHANNEL,
    "clipped": BAD_CHANNEL,
    "jump": BAD_SPAN,
    "mains": "look at its spectrum; a filter below the mains takes it away",
    "bridge": "look at them in MNE, and write status bad for one of them in channels.tsv",
    "channel": BAD_CHANNEL,
}
WORDS = {
    "scale": "{scale:,.4g} uV in a typical piece as read and {late:,.4g} uV in windows, where EEG has "
    "3 to 30; the header gives the unit as {header!r}",
    "unit": "the file says {header}, channels.tsv says {table}",
    "person": "{size:.3g} uV in a typical window, {times:.2g} times the median of {n} others",
    "flat": "flat in {flat:.0%} of the recording",
    "clipped": "clipped: {clipped:.1%} of the samples are the largest or the smallest value",
    "jump": "a jump of {jump:,.0f} uV at {jump_at:.1f} s",
    "mains": "{mains:,.0f} uV of {mains_hz:g} Hz, the mains",
    "bridge": "one signal, by a bridge of gel or by a copy",
    "channel": "{times:.2g} times as large as the median channel",
}


def check(name, looks, windows, sample_ids, channels, referenced):
    """Judge the signals of a study: refuse what is gross, print what is doubtful.

    Parameters
    ----------
    name : str
        Of the study, for messages.
    looks : sequence of Look
        One per recording.
    windows : ndarray, shape (n_windows, n_chans, n_times)
        In uV, after preprocessing.
    sample_ids : sequence of str
        Of each window, the name of its recording before ``_sample-``.
    channels : sequence of str
        Of the windows.
    referenced : bool
        Were the signals referenced again, so that a channel may be flat in the file?

    Returns
    -------
    pandas.DataFrame
        See :func:`find_faults`.

    Raises
    ------
    StudyError
        If a fault is gross. All of them are counted, and the first are named.
    """
    found = find_faults(looks, channels, referenced, windows, sample_ids)
    lines = [
        f"sub-{row.subject}, {row.file}, {row.channels}: {row.what}. {row.fix}"
        for row in found.itertuples()
    ]
    gross = [line for line, is_gross in zip(lines, found["gross"], strict=True) if is_gross]
    doubtful = [line for line in lines if line not in gross]
    for kind in (gross, doubtful):
        kind[MOST_LINES:] = [f"and {len(kind) - MOST_LINES} more"] * (
            len(kind) > MOST_LINES
        )
    if gross:
        files = found.loc[found["gross"], "file"].nunique()
        raise StudyError(
            f"{name}: the signals of {files} of {len(looks)} recordings are no EEG:\n  "
            + "\n  ".join(gross)
        )
    for line in doubtful:
        print(f"{name}, doubtful: {line}")
    return found


def find_faults(looks, channels, referenced, windows=None, sample_ids=()):
    """What is wrong with the signals of a study, a row per recording and kind of fault.

    Parameters
    ----------
    looks, channels, referenced, windows, sample_ids
        See :func:`check`. Without windows, what was measured in the recordings has to do.

    Returns
    -------
    pandas.DataFrame
        ``subject``, ``file``, ``channels`` (their names, as text), ``kind`` (a key of ``FIXES``),
        ``what`` in words, ``gross``, and ``fix``.
    """
    scales, empty = _window_scales(windows, sample_ids, channels)
    table = pd.concat(
        [pd.DataFrame(own.channels).assign(at=at) for at, own in enumerate(looks)],
        ignore_index=True,
    )
    keys = [
        (looks[at].file.rpartition("_")[0], name)
        for at, name in zip(table["at"], table["name"], strict=True)
    ]
    table["late"] = [
        scales.get(key, scale) for key, scale in zip(keys, table["scale"], strict=True)
    ]
    table["used"] = table["name"].isin(list(channels))
    table = table[
        ~table["name"].isin(_recorded_against(looks, table) if referenced else ())
    ]
    rows = []
    for kind, (refused, doubted) in _judge(table).items():
        for gross, mask in ((True, refused), (False, doubted & ~refused)):
            for at, own in table[mask].groupby("at") if mask.any() else ():
                what = WORDS[kind].format(**own.iloc[0])
                rows.append(_row(looks[at], list(own["name"]), kind, what, gross))
    dead = {row["file"] for row in rows if row["kind"] == "flat" and row["gross"]}
    for own in looks:
        n_empty = empty.get(own.file.rpartition("_")[0])
        if n_empty and own.file not in dead:
            what = f"{n_empty} windows are zero in all channels"
            rows.append(_row(own, ["all channels"], "flat", what, True))
        if pairs := [" and ".join(pair) for pair in own.bridges]:
            rows.append(_row(own, pairs, "bridge", WORDS["bridge"], False))
    sizes = table.assign(subject=[looks[at].subject for at in table["at"]])
    rows += _far_people(looks, sizes.groupby("subject")["late"].median(), rows)
    return pd.DataFrame(rows, columns=list(_row(looks[0], [], "flat", "", False)))


def _recorded_against(looks, table):
    """The electrode that all others were recorded against, if there is one: flat in all recordings.

    One person's recordings cannot tell it from a dead electrode, but its name can.
    """
    dead = table[table["still"] > 0.95].groupby("name")["at"].nunique()
    shared = list(dead.index[dead == len(looks)])
    if len({own.subject for own in looks}) == 1:
        known = (*REFERENCES, looks[0].reference.strip().lower())
        shared = [name for name in shared if name.lower() in known]
    return shared if len(shared) == 1 else ()


def _window_scales(windows, sample_ids, channels):
    """Per file and channel: median over windows of the standard deviation; per file, empty windows."""
    stems = pd.Series(list(sample_ids), dtype=str).str.split("_sample-").str[0]
    scales, empty = {}, {}
    for stem, rows in stems.groupby(stems, sort=False).groups.items():
        std = windows[rows[0] : rows[-1] + 1].std(
            axis=2
        )  # a recording's windows are together
        empty[stem] = int((std == 0).all(axis=1).sum())
        scales |= {
            (stem, c): x for c, x in zip(channels, np.median(std, axis=0), strict=True)
        }
    return scales, empty


def _judge(table):
    """For each kind of fault, which channels are refused and which are doubtful."""
    scale, late, flat, clipped = (
        table[key] for key in ("scale", "late", "flat", "clipped")
    )
    alive, never = flat < GROSS_FLAT, flat < 0
    typical = scale.where(alive).groupby(table["at"]).transform("median")
    table["times"] = times = scale / typical.fillna(1.0).replace(0.0, 1.0)
    # One broken channel reaches all others by the average: then only what was read counts.
    wrong = alive & _outside(scale, GROSS_UV)
    late = late.where(~wrong.groupby(table["at"]).transform("any"), scale)
    gross = wrong | (alive & _outside(late, GROSS_UV))
    mains = alive & ~gross & (table["mains"] >= MAINS_UV)
    odd = alive & ~mains & (_outside(scale, DOUBTFUL_UV) | _outside(late, DOUBTFUL_UV))
    clear = alive & ~gross & ~mains & ~odd  # of the others, nothing else is said
    sizes = [table[key].str.lower().map(UNITS) for key in ("header", "table")]
    differ = sizes[0].notna() & sizes[1].notna() & (sizes[0] != sizes[1])
    return {
        "scale": (gross, odd),
        "flat": (table["used"] & (flat >= GROSS_FLAT), flat >= DOUBTFUL_FLAT),
        "clipped": (
            clear & table["used"] & (clipped >= GROSS_CLIPPED),
            clear & (clipped >= DOUBTFUL_CLIPPED),
        ),
        "jump": (never, alive & ~gross & (table["jump"] >= JUMP_UV)),
        "mains": (never, mains),
        "channel": (never, clear & _outside(times, (1 / CHANNEL_TIMES, CHANNEL_TIMES))),
        "unit": (never, differ),
    }


def _outside(values, limits):
    return (values < limits[0]) | (values > limits[1])


def _row(own, channels, kind, what, gross):
    more = [f"{len(channels) - 4} more"] if len(channels) > 5 else []
    names = ", ".join([*channels[: 4 if more else 5], *more])
    about = {"subject": own.subject, "file": own.file, "channels": names, "kind": kind}
    return about | {"what": what, "gross": gross, "fix": FIXES[kind]}


def _far_people(looks, sizes, rows):
    """A row for each person whose signals are far larger or smaller than those of all others."""
    first, found = {own.subject: own for own in reversed(looks)}, []
    known = {row["subject"] for row in rows if row["gross"]}
    for subject, size in sizes.items():
        others = sizes.drop(subject).median()
        if subject in known or len(sizes) < 3 or not others > 0:
            continue
        if _outside(times := size / others, (1 / PERSON_TIMES, PERSON_TIMES)):
            what = WORDS["person"].format(size=size, times=times, n=len(sizes) - 1)
            gross = bool(_outside(times, (1 / GROSS_TIMES, GROSS_TIMES)))
            found.append(_row(first[subject], ["all channels"], "person", what, gross))
    return found
