"""What the name of a channel says: an electrode, something else that was recorded, or nothing.

Electrodes are those of MNE's montages. What people write around a name, ``EEG Fp1-REF`` or ``Fc5.``,
says how it was recorded and not where.
"""

import functools
import re
import warnings

from _runtime import quiet_imports

with quiet_imports():
    import mne

#: So many electrodes known by name make a recording whose other names are no electrodes; so many
#: names of the BioSemi and HydroCel caps, which are used for other things too, make such a cap.
FEW = 4
#: Electrodes that the 10-05 system does not name: of the temples (T1, T2) and over the cerebellum.
OLD_NAMES = ("T1", "T2", "CB1", "CB2")
#: One electrode under its two names, ``T7/T3``.
BOTH_NAMES = {
    f"{one}{sign}{other}": new
    for new, old in (("T7", "t3"), ("T8", "t4"), ("P7", "t5"), ("P8", "t6"))
    for one, other in ((new.lower(), old), (old, new.lower()))
    for sign in "/-_ "
}
#: At the ears and behind them, against which others are recorded.
EARS = ("a1", "a2", "m1", "m2")
#: Caps of BioSemi and HydroCel, whose electrodes are counted.
CAPS = (
    re.compile(r"[a-h]([1-9]|[12]\d|3[012])"),
    re.compile(r"e([1-9]\d?|1\d\d|2[0-4]\d|25[0-7])|vref"),
)
#: What stands behind a name: the reference, or the number that MNE gives to one that comes twice.
REFERENCE = re.compile(r"ref|le|ar|avg?|ave|car|a1a2|m1m2|\d+")
#: Words around a name.
AROUND = re.compile(
    r"^(eeg|eog|ecg|emg)[ _-]+|((?<=\w)[ _-]*ref|[ _-]+(le|ar|avg|a1a2|m1m2))$"
)
BETWEEN = re.compile(r"[\s_:/-]+")
#: A name that only counts.
PLACEHOLDER = re.compile(r"(?:eeg|e|ch|chan|channel|electrode)?[ _.-]*(\d+)")
#: What no electrode is called, by the type that MNE has for it.
NO_EEG = {
    "ecg": r"ecg|ekg|card|heart",
    "eog": r"[hv]?eog|[hv]eo[glru]?\b|[lr]oc\b|[lr]?eye|e[12]\b",
    "emg": r"emg|chin|submental|[lr](eft|ight)?[ ._-]*leg|leg|tib",
    "stim": r"sti|status|trig|event|marker",
    "misc": r"exg|gsr|eda\b|erg|resp|plet|ppg|ptt|temp|[st][pa]o2|o2[ _-]?sat|osat|desat|(et|tc)?co2|flow"
    r"|snor|puls|[phr]r\b|h[lr]\b|vb\b|rate|ibi|burst|suppr|abd|tho|chest|nasal|oral|press|pos(ition)?\b|body"
    r"|acc|gyr|mag([ ._-]?[xyz])?\b|[xyz]\d*\b|quat|photic|photo|diode|light|audio|sound|mic\b|dc[ _-]?\d|aux"
    r"|pol |batt|counter|interpolated|raw_cq|cq_|time|sample|packet|sync|reref|ref\b|cpap|force|joystick|button",
}


def bare(name):
    """A label without what says how it was recorded, in small letters."""
    return AROUND.sub("", name.strip(" .").lower())


@functools.cache
def _ten_five():
    """Spelling of each electrode of the 10-05 system and of older ones, by the name in small letters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        montage = mne.channels.make_standard_montage("standard_1005")
    return {name.lower(): name for name in (*montage.ch_names, *OLD_NAMES)} | BOTH_NAMES


def _electrodes(names):
    """What is an electrode in a recording with these names: spelling, by the name in small letters."""
    single = {bare(name) for name in names}
    caps = [{name for name in single if cap.fullmatch(name)} for cap in CAPS]
    cap = max(caps, key=len)
    if len(cap - _ten_five().keys()) < FEW or 2 * len(cap) < len(single):
        return _ten_five()
    return _ten_five() | {name: name.upper() for name in cap}


def spell(names):
    """The usual spelling of what is one electrode by its name, ``EEG FZ-REF`` or ``Fz.``.

    Parameters
    ----------
    names : sequence of str
        Names of a recording; together they tell which cap it is.

    Returns
    -------
    dict of str
        By the name as it is, ``Fz``; without derivations and names that are no electrode.
    """
    electrodes = _electrodes(names)
    return {name: electrodes[bare(name)] for name in names if bare(name) in electrodes}


def judge_names(names):
    """What each name of a recording stands for.

    Parameters
    ----------
    names : sequence of str
        Names of its channels; together they tell which cap it is.

    Returns
    -------
    dict of str
        By name: ``"eeg"`` for an electrode or a derivation of two, ``"ear"`` for one at the ears,
        a key of ``NO_EEG``, or ``"unknown"``.
    """
    electrodes = _electrodes(names)
    return {name: _judge(name, electrodes) for name in names}


def _judge(name, electrodes):
    """What one name stands for, beside the electrodes of its recording."""
    first, *others = BETWEEN.split(bare(name))
    if first in electrodes and all(
        o in electrodes or REFERENCE.fullmatch(o) for o in others
    ):
        # A1 of a BioSemi cap stands on top of the head, and A3 beside it.
        return "ear" if first in EARS and "a3" not in electrodes else "eeg"
    text = re.sub(r"^eeg[ _-]+", "", name.strip().lower())
    for kind, pattern in NO_EEG.items():
        if re.match(pattern, text):
            return kind
    return "unknown"


def differences(names):
    """Names of two electrodes on the head, ``Fpz-Cz``, unless all have the second in common.

    Parameters
    ----------
    names : sequence of str
        EEG channels of a recording.

    Returns
    -------
    list of str
        Those which are no electrode against a reference that all share.
    """
    on_head = _electrodes(names).keys() - set(EARS)
    seconds = {}
    for name in names:
        _, second, *_ = [*BETWEEN.split(bare(name)), ""]
        single = bare(name) in BOTH_NAMES
        seconds[name] = second if second in on_head and not single else ""
    if len(set(seconds.values())) == 1:
        return []
    return [name for name, second in seconds.items() if second]


def only_count(names):
    """Are these names that only count, ``EEG 000``, ``EEG 001``, each one more than the one before?"""
    matches = [PLACEHOLDER.fullmatch(name.strip().lower()) for name in names]
    if not matches or not all(matches):
        return False
    numbers = [int(match[1]) for match in matches]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
