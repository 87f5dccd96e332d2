"""Which pretrained model takes my windows: rule by rule for families, by building it for any other class."""

import inspect
from dataclasses import dataclass

import pandas as pd
import torch
from braindecode.models.util import models_dict

import _model.zoo
from _model.families import families
from _model.fit import FEWEST_POSITIONS, channel_infos

#: From the best to the worst.
VERDICTS = ("fits", "fits after", "loses spatial weights", "refuses")
#: Factor to microvolts.
UNITS = {"uV": 1.0, "mV": 1e3, "V": 1e6}


@dataclass(frozen=True)
class Recording:
    """Windows of a study, described without a signal.

    Attributes
    ----------
    name : str
        How tables and figures call it.
    ch_names : tuple of str
        Electrodes, in the order of the windows.
    sfreq : float
        In Hz.
    window_s : float
        Length of a window in seconds.
    unit : {"uV", "mV", "V"}
        Of the windows.
    n_people : int
        People in the study.

    Raises
    ------
    ValueError
        If one of them cannot be; the message names it.
    """

    name: str
    ch_names: tuple
    sfreq: float
    window_s: float
    unit: str = "uV"
    n_people: int = 1

    def __post_init__(self):
        """Refuse what cannot be."""
        names = [str(name).lower() for name in self.ch_names]
        wrong = {
            "ch_names": not names or isinstance(self.ch_names, str),
            "sfreq": not 0 < self.sfreq < 1e5,
            "window_s": not 0 < self.window_s < 1e4,
            "unit": self.unit not in UNITS,
            "n_people": self.n_people < 1,
        }
        for what in (key for key, bad in wrong.items() if bad):
            raise ValueError(
                f"{self.name}: {what}={getattr(self, what)!r}: give names of electrodes, Hz, seconds, a unit of "
                f"{', '.join(UNITS)}, and a number of people"
            )
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{self.name}: two electrodes are called {twice[0]!r}")

    @property
    def n_times(self):
        """Samples of a window."""
        return round(self.window_s * self.sfreq)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a family's weights on a recording.

    Attributes
    ----------
    verdict : str
        One of :data:`VERDICTS`.
    steps : tuple of str
        What has to be done, or why nothing can be.
    """

    verdict: str
    steps: tuple = ()


def judge_family(recording, family):
    """Can windows be brought to published weights, and by which steps?

    Parameters
    ----------
    recording : Recording
        The reader's.
    family : _model.families.Family
        What is known about the weights.

    Returns
    -------
    Fit
        The worst verdict of channels, rate, length and scale, and all steps.
    """
    asked = (_fit_first, _fit_channels, _fit_rate, _fit_length, _fit_scale)
    found = [rule(recording, family) for rule in asked]
    worst = max((one.verdict for one in found), key=VERDICTS.index)
    return Verdict(worst, tuple(step for one in found for step in one.steps))


def _after(*steps):
    return Verdict("fits after" if steps else "fits", steps)


def _fit_first(recording, family):
    return _after(*[family.first] * bool(family.first))


def _fit_channels(recording, family):
    """Channels by the rule of a family."""
    rule = family.channels
    kind, value = (rule, None) if isinstance(rule, str) else next(iter(rule.items()))
    own = [str(name).lower() for name in recording.ch_names]
    placed = {info["ch_name"].lower() for info in channel_infos(own) if "loc" in info}
    if kind == "any":
        return _after()
    if kind == "positions":
        lost = [name for name in own if name not in placed]
        return _after(*[f"give positions of {len(lost)} electrodes"] * bool(lost))
    if kind == "slots":
        order = f"put electrodes in the order of its {value}"
        return _after(f"choose {value} electrodes" if len(own) > value else order)
    if kind == "fetched":
        return _after(f"look names up among its {value} (a list that is fetched)")
    if kind == "names":
        return _by_name(own, {name.lower() for name in value}, rule["else"], placed)
    wanted = [name.lower() for name in value]
    first = ()
    if kind == "pairs":
        first = (f"subtract {len(wanted)} pairs",)
        wanted = list(dict.fromkeys(end for pair in wanted for end in pair.split("-")))
    elif own != wanted:
        first = (f"order electrodes as its {len(wanted)}",)
    return _interpolated(own, wanted, placed, first)


def _by_name(own, known, otherwise, placed):
    """Every electrode has a row of weights, if its name is known."""
    lost = [name for name in own if name not in known]
    if 2 * len(lost) <= len(own):
        what = f"leave out {len(lost)} of {len(own)} electrodes, which have {otherwise}"
        return _after(*[what] * bool(lost))
    if otherwise == "fresh weights" or len(placed) < FEWEST_POSITIONS:
        what = f"{len(lost)} of {len(own)} electrodes have {otherwise}"
        return Verdict("loses spatial weights", (what,))
    there = {info["ch_name"] for info in channel_infos(sorted(known)) if "loc" in info}
    return _estimated(len(there - set(own)), len(placed), len(there))


def _interpolated(own, wanted, placed, first):
    """Exactly these channels: by name, then by position; what has neither is no electrode."""
    there = {info["ch_name"] for info in channel_infos(wanted) if "loc" in info}
    absent = [name for name in wanted if name not in own]
    made = [name for name in absent if name not in there]
    first += (f"compute {', '.join(made).upper()}, no electrode",) * bool(made)
    guessed = len(absent) - len(made)
    if not guessed:
        return _after(*first)
    if len(placed) < FEWEST_POSITIONS:
        why = f"{guessed} electrodes are absent, and too few have a position"
        return Verdict("refuses", (*first, why))
    found = _estimated(guessed, len(placed), len(wanted) - len(made))
    return Verdict(found.verdict, (*first, *found.steps))


def _estimated(guessed, n_own, n_wanted):
    """More electrodes than were recorded hold nothing that these do not."""
    verdict = "loses spatial weights" if guessed > n_own else "fits after"
    return Verdict(verdict, (f"estimate {guessed} of {n_wanted} electrodes from {n_own}",))


def _fit_rate(recording, family):
    if family.sfreq is None:
        return _after("its rate is not stated: ask its authors")
    if family.sfreq == recording.sfreq:
        return _after()
    empty = f", empty above {recording.sfreq / 2:g} Hz" * (family.sfreq > recording.sfreq)
    return _after(f"resample to {family.sfreq:g} Hz{empty}")


def _fit_length(recording, family):
    rate = family.sfreq or recording.sfreq
    n_times = round(recording.window_s * rate)
    ((rule, n),) = family.samples.items()
    if n_times < n:
        return Verdict("refuses", (f"windows of at least {n / rate:.3g} s",))
    if rule == "at_least" or n_times % n == 0:
        return _after()
    return _after(f"crop to {n_times // n * n / rate:g} s")


def _fit_scale(recording, family):
    if family.scale is None:
        return _after("its scale is not stated: ask its authors")
    convert = [f"multiply by {UNITS[recording.unit]:g}"] * (recording.unit != "uV")
    return _after(*convert, *[f"scale: {family.scale}"] * (family.scale != "uV"))


def judge_families(recording):
    """Verdict of every family with published weights.

    Parameters
    ----------
    recording : Recording
        The reader's.

    Returns
    -------
    dict of str to Fit
        By name of the family.
    """
    return {name: judge_family(recording, one) for name, one in families().items()}


def look_at_class(name, recording, pretrained):
    """Build a class three times with random weights: here, for another cap, and for twice the rate.

    Parameters
    ----------
    name : str
        A key of :data:`braindecode.models.util.models_dict`.
    recording : Recording
        The reader's.
    pretrained : sequence of str
        Electrodes of the cap that somebody else trained on.

    Returns
    -------
    dict of str to str
        ``runs``: *yes*, or what the class said. Where it runs, ``other cap``: *all* weights keep their
        shapes, *all but the head*, or how many do not; and ``twice the rate``: *silent* if all keep
        their shapes and nobody says a word, *says so*, or *other shapes*.
    """
    own = {"ch_names": recording.ch_names, "sfreq": recording.sfreq}
    own["n_times"] = recording.n_times
    mine, heard, err = _model.zoo.attempt(lambda: _shapes(name, **own))
    if err:
        return {"runs": _model.zoo.reason(err)}
    theirs, _, err = _model.zoo.attempt(
        lambda: _shapes(name, **own | {"ch_names": pretrained})
    )
    lost = [] if err else [key for key in theirs if theirs[key] != mine.get(key)]
    found = {"runs": "yes", "other cap": f"{len(lost)} of {len(mine)}"}
    if err or all(key.startswith("final_layer.") for key in lost):
        found["other cap"] = "refuses" if err else "all but the head" if lost else "all"
    twice, more, err = _model.zoo.attempt(
        lambda: _shapes(name, **own | {"sfreq": 2 * recording.sfreq})
    )
    silent = "says so" if err or more - heard else "silent"
    found["twice the rate"] = silent if err or twice == mine else "other shapes"
    return found


def _shapes(name, ch_names, n_times, sfreq):
    """Shapes of all weights of a class that has seen one window of these electrodes."""
    kind, n_chans = models_dict[name], len(ch_names)
    told = {"n_outputs": 2, "n_chans": n_chans, "n_times": n_times, "sfreq": sfreq}
    told["chs_info"] = channel_infos(ch_names)
    takes = inspect.signature(kind).parameters
    model = kind(**{key: value for key, value in told.items() if key in takes})
    with torch.no_grad():
        model.eval()(torch.zeros(1, n_chans, n_times))
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def try_classes(recording, pretrained):
    """All classes that build within half a second.

    Parameters
    ----------
    recording : Recording
        The reader's.
    pretrained : sequence of str
        Electrodes of another cap.

    Returns
    -------
    pandas.DataFrame
        A row per class; see :func:`look_at_class`.
    """
    names = sorted(set(models_dict) - set(_model.zoo.SLOW))
    found = {name: look_at_class(name, recording, pretrained) for name in names}
    return pd.DataFrame.from_dict(found, orient="index").fillna("")
