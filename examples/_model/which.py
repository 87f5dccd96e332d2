"""Which pretrained model takes my windows: rule by rule for families, by building it for any other class."""

import contextlib
import inspect
import io
import warnings
from dataclasses import dataclass

import pandas as pd
import torch

from _model.families import families
from _model.fit import FEWEST_POSITIONS, channel_infos
from _model.ledger import shapes_of
from _model.zoo import SLOW
from _runtime import TutorialError, quiet_imports

with quiet_imports():
    from braindecode.models.util import models_dict

#: From the best to the worst.
VERDICTS = ("fits", "fits after", "loses spatial weights", "refuses")
#: Factor to microvolts.
UNITS = {"uV": 1.0, "mV": 1e3, "V": 1e6}


class RecordingError(TutorialError, ValueError):
    """A description of a recording that cannot be; the message names the thing and its value."""


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
    RecordingError
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
        if bad := [key for key, is_wrong in wrong.items() if is_wrong]:
            raise RecordingError(
                f"{self.name}: {bad[0]}={getattr(self, bad[0])!r}: give names of electrodes, Hz, seconds, a unit of "
                f"{', '.join(UNITS)}, and a number of people"
            )
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise RecordingError(f"{self.name}: two electrodes are called {twice[0]!r}")

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
    Verdict
        The worst verdict of channels, rate, length and scale, and all steps.
    """
    rules = (_judge_first, _judge_channels, _judge_rate, _judge_length, _judge_scale)
    verdicts = [rule(recording, family) for rule in rules]
    worst = max((one.verdict for one in verdicts), key=VERDICTS.index)
    return Verdict(worst, tuple(step for one in verdicts for step in one.steps))


def _after(*steps):
    return Verdict("fits after" if steps else "fits", steps)


def _judge_first(recording, family):
    return _after(family.first) if family.first else _after()


def _judge_channels(recording, family):
    """Channels by the rule of a family."""
    rule = family.channels
    kind, value = (rule, None) if isinstance(rule, str) else next(iter(rule.items()))
    ch_names = [str(name).lower() for name in recording.ch_names]
    placed = {info["ch_name"].lower() for info in channel_infos(ch_names) if "loc" in info}
    if kind == "any":
        return _after()
    if kind == "positions":
        n_lost = sum(name not in placed for name in ch_names)
        return _after(f"give positions of {n_lost} electrodes") if n_lost else _after()
    if kind == "slots":
        if len(ch_names) > value:
            return _after(f"choose {value} electrodes")
        return _after(f"put electrodes in the order of its {value}")
    if kind == "fetched":
        return _after(f"look names up among its {value} (a list that is fetched)")
    if kind == "names":
        return _by_name(ch_names, {name.lower() for name in value}, rule["else"], placed)
    wanted = [name.lower() for name in value]
    first = ()
    if kind == "pairs":
        first = (f"subtract {len(wanted)} pairs",)
        wanted = list(dict.fromkeys(end for pair in wanted for end in pair.split("-")))
    elif ch_names != wanted:
        first = (f"order electrodes as its {len(wanted)}",)
    return _interpolated(ch_names, wanted, placed, first)


def _by_name(ch_names, known, otherwise, placed):
    """Every electrode has a row of weights, if its name is known."""
    n_chans = len(ch_names)
    n_lost = sum(name not in known for name in ch_names)
    if not n_lost:
        return _after()
    if 2 * n_lost <= n_chans:
        return _after(f"leave out {n_lost} of {n_chans} electrodes, which have {otherwise}")
    if otherwise == "fresh weights" or len(placed) < FEWEST_POSITIONS:
        step = f"{n_lost} of {n_chans} electrodes have {otherwise}"
        return Verdict("loses spatial weights", (step,))
    there = {info["ch_name"] for info in channel_infos(sorted(known)) if "loc" in info}
    return _estimated(len(there - set(ch_names)), len(placed), len(there))


def _interpolated(ch_names, wanted, placed, first):
    """Exactly these channels: by name, then by position; what has neither is no electrode."""
    there = {info["ch_name"] for info in channel_infos(wanted) if "loc" in info}
    absent = [name for name in wanted if name not in ch_names]
    made = [name for name in absent if name not in there]
    if made:
        first = (*first, f"compute {', '.join(made).upper()}, no electrode")
    n_guessed = len(absent) - len(made)
    if not n_guessed:
        return _after(*first)
    if len(placed) < FEWEST_POSITIONS:
        why = f"{n_guessed} electrodes are absent, and too few have a position"
        return Verdict("refuses", (*first, why))
    estimate = _estimated(n_guessed, len(placed), len(wanted) - len(made))
    return Verdict(estimate.verdict, (*first, *estimate.steps))


def _estimated(n_guessed, n_recorded, n_wanted):
    """More electrodes than were recorded hold nothing that these do not."""
    verdict = "loses spatial weights" if n_guessed > n_recorded else "fits after"
    step = f"estimate {n_guessed} of {n_wanted} electrodes from {n_recorded}"
    return Verdict(verdict, (step,))


def _judge_rate(recording, family):
    if family.sfreq is None:
        return _after("its rate is not stated: ask its authors")
    if family.sfreq == recording.sfreq:
        return _after()
    step = f"resample to {family.sfreq:g} Hz"
    if family.sfreq > recording.sfreq:
        step += f", empty above {recording.sfreq / 2:g} Hz"
    return _after(step)


def _judge_length(recording, family):
    rate = family.sfreq or recording.sfreq
    n_times = round(recording.window_s * rate)
    ((rule, n),) = family.samples.items()
    if n_times < n:
        return Verdict("refuses", (f"windows of at least {n / rate:.3g} s",))
    if rule == "at_least" or n_times % n == 0:
        return _after()
    return _after(f"crop to {n_times // n * n / rate:g} s")


def _judge_scale(recording, family):
    if family.scale is None:
        return _after("its scale is not stated: ask its authors")
    steps = []
    if recording.unit != "uV":
        steps.append(f"multiply by {UNITS[recording.unit]:g}")
    if family.scale != "uV":
        steps.append(f"scale: {family.scale}")
    return _after(*steps)


def judge_families(recording):
    """Verdict of every family with published weights.

    Parameters
    ----------
    recording : Recording
        The reader's.

    Returns
    -------
    dict of str to Verdict
        By name of the family.
    """
    return {name: judge_family(recording, one) for name, one in families().items()}


def reason(err):
    """What went wrong, short and the same on every machine."""
    first = (str(err).strip().splitlines() or [""])[0]
    if isinstance(err, OSError) or "http" in first:  # another address on every machine
        first = "fetches a file"
    return f"{type(err).__name__}: {first}"[:160]


def attempt(call):
    """Call something that may fail in any way, and listen.

    Parameters
    ----------
    call : callable
        Takes no arguments.

    Returns
    -------
    value : object
        What it gave; None if it failed.
    warned : set of str
        Its warnings.
    err : Exception or None
        Why it failed.
    """
    value, err = None, None
    with (
        warnings.catch_warnings(record=True) as heard,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        try:
            value = call()
        except Exception as caught:  # a model may refuse in any way
            err = caught
    return value, {str(one.message) for one in heard}, err


def try_class(name, recording, pretrained):
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

    def shapes(ch_names=recording.ch_names, sfreq=recording.sfreq):
        return attempt(lambda: _shapes(name, ch_names, recording.n_times, sfreq))

    here, warned, err = shapes()
    if err:
        return {"runs": reason(err)}
    there, _, err = shapes(ch_names=pretrained)
    cap = "refuses" if err else _kept(there, here)
    twice, warned_twice, err = shapes(sfreq=2 * recording.sfreq)
    if not err and twice != here:
        rate = "other shapes"
    else:
        rate = "says so" if err or warned_twice - warned else "silent"
    return {"runs": "yes", "other cap": cap, "twice the rate": rate}


def _kept(there, here):
    """Which weights of another cap keep their shapes, in words."""
    lost = [name for name in there if there[name] != here.get(name)]
    if not lost:
        return "all"
    if all(name.startswith("final_layer.") for name in lost):
        return "all but the head"
    return f"{len(lost)} of {len(here)}"


def _shapes(name, ch_names, n_times, sfreq):
    """Shapes of all weights of a class that has seen one window of these electrodes."""
    kind, n_chans = models_dict[name], len(ch_names)
    told = {"n_outputs": 2, "n_chans": n_chans, "n_times": n_times, "sfreq": sfreq}
    told["chs_info"] = channel_infos(ch_names)
    takes = inspect.signature(kind).parameters
    model = kind(**{key: value for key, value in told.items() if key in takes})
    with torch.no_grad():
        model.eval()(torch.zeros(1, n_chans, n_times))
    return shapes_of(model.state_dict())


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
        A row per class; see :func:`try_class`.
    """
    rows = {}
    for name in sorted(set(models_dict) - set(SLOW)):
        rows[name] = try_class(name, recording, pretrained)
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")
