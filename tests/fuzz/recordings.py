"""Mutations of what holds the signals: headers, data files, and the signals themselves."""

import dataclasses
import gzip
import re
import shutil
from functools import partial

import numpy as np
import scipy.io

from _study import Recipe
from fuzz import bases
from fuzz.bases import EEG, HEART, SYNTHETIC
from fuzz.oracle import Expectation
from fuzz.tables import (
    DURATION,
    EVENT,
    ONSET,
    RATE,
    STATUS,
    WAYS,
    asked,
    cell,
    content,
    each,
    either,
    gone,
    loose,
    more,
    refuse,
    right,
    row,
    spliced,
    under_a_bad_segment,
)

EDF, VHDR, SET, FIF = ("edf", "tasks", "sessions"), ("vhdr",), ("set", "fdt"), ("fif",)
ONE_TASK = ("edf", "vhdr", "set", "fdt", "fif")


def of_recording(verdict, said=False, who="{name}|sub-{id}"):
    """What is expected where a recording is broken: its person is named, in print if ``said``."""
    return Expectation(verdict, (who,), (who,) if said else (), recording=True)


def with_channels(change):
    """A way: a data file holds the channels ``change(rows)``, signals by name, and its table lists them."""

    def way(spot):
        names = spot.tree.rewrite(spot.recording, change)
        table = spot.tree.untouched(spot.recording, "channels.tsv")
        bases.write_channels(table, names, spot.recording.sfreq)

    return way


def anew(change):
    """A way: a data file is written again after ``change(rows)``, its table stays."""
    return lambda spot: spot.tree.rewrite(spot.recording, change)


def only(names):
    """A way: in the truth there are only these channels."""

    def way(spot):
        if spot.tree.truth.ch_names != tuple(names):
            spot.tree.truth.keep(names)

    return way


def renamed(names):
    """A way: the electrodes have other names, in files, tables and the truth."""

    def way(spot):
        with_channels(lambda rows: dict(zip((*names, HEART), rows.values(), strict=True)))(
            spot
        )
        spot.tree.truth.ch_names = names

    return way


def bad_in_the_last(spot):
    """A way: the second channel of the last recording is bad."""
    if spot.recording is spot.tree.recordings[-1]:
        table = spot.tree.path(spot.recording, "channels.tsv")
        cell(2, STATUS, "bad")(dataclasses.replace(spot, path=table))


def besides(names, microvolts=120):
    """A way: a file has more channels, and no table says what they are."""

    def change(rows):
        times = np.arange(len(rows[HEART])) / 128
        waves = {n: microvolts * np.sin(0.7 * (i + 2) * times) for i, n in enumerate(names)}
        return rows | waves

    def way(spot):
        spot.tree.rewrite(spot.recording, change)
        spot.tree.untouched(spot.recording, "channels.tsv").unlink()

    return way


def as_recorded(spot):
    """A way: without a reference, one channel holds what was written."""
    truth = spot.tree.truth
    truth.ch_names, truth.asked = ("Cz",), True
    for window in truth.of(spot.recording.stem):
        window.signal = bases.written(spot.recording, window.start)[[1]]


def with_alone(*names):
    """A way: only so many channels are there, under other names."""
    return with_channels(
        lambda rows: dict(zip(names, [rows["Cz"], rows["Pz"]], strict=False))
    )


# fmt: off
for _name, _names in {
    "biosemi": ("EXG1", "GSR1", "Resp", "Plet", "Temp"), "others": ("EKG1", "PHOTIC", "IBI"), "earlobes": ("A1", "A2"),
}.items():
    row(f"channels_beside_{_name}", f"No table, and the channels {_names} beside the EEG", "every eeg",
        besides(_names, 5 if _name == "earlobes" else 120), right(*_names))
for _name, _names in {
    "one": ("Cz",), "a_derivation": ("Fpz-Cz",), "two_that_mirror": ("F3-M2", "F4-M1"),
}.items():
    row(f"channels_alone_{_name}", f"Only {_names} in every file",
        "every eeg", with_alone(*_names), refuse("reference ?="))
row("channels_alone_one_without_a_reference", "One channel, and no reference is asked for", "every eeg",
    (with_alone("Cz"), as_recorded, asked(recipe=Recipe(reference=None))), right())
row("channels_without_places", "Names that no montage knows, and a bad channel that one person has to do without",
    "every eeg", (renamed(("X1", "X2", "X3", "X4", "X5", "X6")), bad_in_the_last), right("X2"))
row("channels_of_a_hydrocel_cap", "Names of a HydroCel cap, and a bad channel of one person", "every eeg",
    (renamed(("E11", "Cz", "E62", "E75", "E52", "E92")), bad_in_the_last, loose), right("Cz"))
row("channels_bad_and_places_without_a_unit", "Places in mm, no file says so, and a bad channel of one person",
    "last channels.tsv", (cell(2, STATUS, "bad"), loose,
     lambda spot: [path.unlink() for path in spot.tree.root.rglob("*_coordsystem.json")]), right("Cz"))
row("channels_other_case", "One recording calls Fz FZ, in file and table",
    "eeg", with_channels(lambda rows: {"FZ": rows["Fz"]} | {n: rows[n] for n in bases.NAMES[1:]}), right())
for _nth in ("first", "last"):
    row(f"channels_fewer_{_nth}", f"The {_nth} recording has no P4", f"{_nth} eeg",
        with_channels(lambda rows: {n: rows[n] for n in rows if n != "P4"}), right("P4"))
# fmt: on


# ---------------------------------------------------------------------- the file, spoiled somehow

KINDS = {
    "_eeg.edf": (*EDF, "real"), "_eeg.vhdr": VHDR, "_eeg.vmrk": VHDR, "_eeg.eeg": VHDR,
    "_eeg.set": SET, "_eeg.fdt": ("fdt",), "_eeg.fif": FIF,
}  # fmt: skip
RECORDING_WAYS = (
    "emptied", "cut", "a_login_page", "a_pointer", "randomised", "a_folder", "a_pipe", "a_link_to_nothing",
    "a_link_to_itself", "behind_a_link", "deleted",
)  # fmt: skip


def spoil(end, name, way, expected, on):
    """A mutation: one file of the signals, spoiled in one way."""
    what = f"{end} is {name.replace('_', ' ')}"
    row(f"{end.removeprefix('_eeg.')}_{name}", what, f"*{end}", way, expected, on)


for _end, _on in KINDS.items():
    for _name in RECORDING_WAYS:
        if (_end, _name) in (("_eeg.eeg", "randomised"), ("_eeg.fdt", "randomised")):
            continue  # noise of some length is a signal
        _expected = refuse("{name}", recording=True)
        if _name == "behind_a_link":
            _expected = right()
        elif _end == "_eeg.vmrk":  # marks are read from events.tsv
            _expected = either("{name}", recording=True)
        spoil(_end, _name, WAYS[_name], _expected, _on)

ansi = content(lambda held: held.decode().encode("latin-1").replace(b"UTF-8", b"ANSI"))
for _name in ("marked", "in_utf16", "with_latin1", "with_windows_lines"):
    for _end in ("_eeg.vhdr", "_eeg.vmrk"):
        _way = ansi if _name == "with_latin1" else WAYS[_name]
        spoil(_end, _name, _way, either("{name}", recording=True), VHDR)


def data_of(spot):
    """A way: go on with the file that holds the samples."""
    end = {"vhdr": ".eeg", "fdt": ".fdt"}.get(spot.tree.base.fmt, spot.path.suffix)
    spot.path = spot.path.with_suffix(end)


def cut_in_half(spot):
    """A way: the samples are cut in half, and the sidecar does not say how many there were."""
    recording, truth = spot.recording, spot.tree.truth
    sidecar = spot.tree.path(recording, "eeg.json")
    sidecar.write_text(re.sub(r'"RecordingDuration": [\d.]+,?\s*', "", sidecar.read_text()))
    content(lambda held: held[: -(len(held) // 2 // 40 * 40)])(spot)
    half = recording.seconds / 2 - bases.WINDOW_S
    windows = truth.of(recording.stem)
    truth.optional += [w for w in windows if abs(w.start - half) <= 1]  # may just fit
    truth.drop(lambda w: w.stem != recording.stem or w.start < half - 1)


# fmt: off
row("data_cut_in_half_and_no_word_of_it",
    "The samples are cut in half, and the sidecar does not say how many there were", "eeg", (data_of, cut_in_half),
    either("{name}", said="sub-{id}", recording=True), ("edf", "vhdr", "fdt", "tasks", "sessions"))
row("data_cut_by_one_byte", "The last byte is missing",
    "eeg", (data_of, content(lambda held: held[:-1])), either("{name}", recording=True), ("vhdr", "fdt"))
row("data_with_more_bytes", "Seven bytes too many at the end",
    "eeg", (data_of, content(lambda held: held + b"\x01" * 7)), either("{name}", recording=True), (*EDF, "vhdr"))
row("data_compressed", "The data file was packed, and kept its name",
    "eeg", (data_of, content(gzip.compress)), refuse("{name}", recording=True), ("edf", "vhdr", "set"))
# fmt: on


# ------------------------------------------------------------------------------------ EDF headers

#: Numbers of the signals that are EEG.
OF_EEG = range(len(EEG))
#: Offset and width of fields of the header.
FIELDS = {
    "version": (0, 8), "patient": (8, 80), "date": (168, 8), "bytes": (184, 8),
    "reserved": (192, 44), "n_records": (236, 8), "record_s": (244, 8), "n_signals": (252, 4),
}  # fmt: skip
#: Offset, per signal, and width of fields of the signals.
OF_SIGNALS = {
    "label": (0, 16), "unit": (96, 8), "pmin": (104, 8), "pmax": (112, 8),
    "dmin": (120, 8), "dmax": (128, 8), "n_samples": (216, 8),
}  # fmt: skip


def edf(key, value, which=OF_EEG):
    """A way: a field of an EDF header has another value, of the channels ``which`` if it is theirs."""
    value = value.encode("latin-1") if isinstance(value, str) else value

    def change(held):
        held = bytearray(held)
        n_signals = int(held[252:256])
        start, width = FIELDS.get(key) or OF_SIGNALS[key]
        of_signals = [256 + start * n_signals + i * width for i in which]
        for place in of_signals if key in OF_SIGNALS else [start]:
            held[place : place + width] = value.ljust(width)[:width]
        return held

    return content(change)


def edf_field(name, key, value, verdict, which=OF_EEG, said=False, on=EDF):
    """A mutation: one field of one EDF header, or of all, is something else."""
    what = f"{key} of an EDF header is {value!r}"
    expected = of_recording(verdict, said, r"{name}|sub-{id}\b")
    row(f"edf_{name}", what, "eeg", edf(key, value, which), expected, on)


def no_other_rate(spot):
    """A way: neither sidecar nor table tell of the sampling rate."""
    spot.tree.path(spot.recording, "eeg.json").unlink()
    path = spot.tree.path(spot.recording, "channels.tsv")
    path.write_text(path.read_text().replace("sampling_frequency", "notes"))


PAUSE_S = 1.3


def paused(at):
    """A way: the recorder paused after so many seconds; times of records and events are real ones."""

    def real(seconds):
        return seconds + PAUSE_S * (seconds >= at)

    def time_of(held):
        held = bytearray(held)
        held[192:236] = b"EDF+D".ljust(44)
        place = int(held[184:192])
        for second in range(int(held[236:244])):
            old, new = (f"+{t:g}\x14\x14\0".encode() for t in (second, real(second)))
            place = held.index(old, place)
            end = held.index(bytes(len(new)), place)
            held[place : end + len(new)] = (new + held[place + len(old) : end]).ljust(
                end + len(new) - place, b"\0"
            )
        return held

    def real_times(cells):
        first, last = float(cells[ONSET]), float(cells[ONSET]) + float(cells[DURATION])
        end = last + PAUSE_S * (last > at)
        return [f"{real(first):g}", f"{end - real(first):g}", *cells[2:]]

    def way(spot):
        truth, recording = spot.tree.truth, spot.recording
        spot.tree.rewrite(recording, notes=[bases.Event(0.5, 0, "x" * 40, 0)])
        content(time_of)(dataclasses.replace(spot, path=spot.tree.path(recording, "eeg")))
        each(real_times)(spot)
        for window in [
            w for w in (*truth.windows, *truth.optional) if w.stem == recording.stem
        ]:
            if window.start >= at:  # in the time of the file, or in real time
                truth.optional.append(dataclasses.replace(window, start=real(window.start)))

    return way


def channels_exchanged(spot):
    """A way: two channels have changed places, in the file and in the table."""
    names = ["Pz", "Cz", "Fz", *bases.NAMES[3:]]
    with_channels(lambda rows: {name: rows[name] for name in names})(spot)


# fmt: off
edf_field("date_impossible", "date", "99.99.99", "either")
edf_field("patient_beyond_ascii", "patient", "M\xfcller \xc5se", "either")
edf_field("patient_null_bytes", "patient", b"\0" * 80, "either")
edf_field("version_text", "version", "EDF", "either")
edf_field("header_bytes_wrong", "bytes", "512", "either")
edf_field("header_bytes_word", "bytes", "many", "either")
edf_field("records_unknown", "n_records", "-1", "right", said=True)
edf_field("records_too_many", "n_records", "9999", "either")
edf_field("records_too_few", "n_records", "5", "either", said=True, on=("edf", "tasks"))
edf_field("records_word", "n_records", "ten", "either")
edf_field("record_of_no_time", "record_s", "0", "either")
edf_field("record_twice_as_long", "record_s", "2", "refuse")
edf_field("signals_too_many", "n_signals", "90", "either")
edf_field("signals_none", "n_signals", "0", "either")
edf_field("discontinuous", "reserved", "EDF+D", "either")
edf_field("reserved_random", "reserved", "\x01\x02 nothing", "either")
edf_field("range_empty", "pmax", "-3276.8", "either", said=True)
edf_field("range_word", "pmax", "high", "either")
edf_field("digits_empty", "dmax", "-32768", "either", said=True)
edf_field("digits_narrow", "dmax", "-32700", "either", said=True)
edf_field("unit_millivolt", "unit", "mV", "either", said=True)
edf_field("unit_volt", "unit", "V", "either", said=True)
edf_field("unit_counts", "unit", "counts", "either", said=True)
edf_field("unit_blank", "unit", "", "either", said=True)
edf_field("unit_one_in_millivolt", "unit", "mV", "either", which=[1], said=True)
edf_field("unit_micro_sign", "unit", "\xb5V", "either")
edf_field("label_other", "label", "EEG C3-A1", "either", which=[1])
edf_field("label_twice", "label", "Fz", "either", which=[1])
edf_field("label_blank", "label", "", "either", which=[1])
edf_field("label_binary", "label", b"\xff\xfe\0C", "either", which=[1])
edf_field("label_of_another_case", "label", "FZ", "either", which=[0])
edf_field("labels_with_a_prefix", "label", "EEG", "either", which=[0, 1, 2])
edf_field("samples_none", "n_samples", "0", "either", which=[1])
row("edf_half_the_rate_and_no_sidecar", "A header with half the sampling rate, and no sidecar to contradict it", "eeg",
    # Windows would be long ones; somebody must say so.
    (edf("record_s", "2"), no_other_rate, loose), of_recording("either", said=True), ("edf", "sessions"))
row("edf_channels_exchanged",
    "Header and table of one recording, the first of a half, list two channels the other way round: both are right",
    "second eeg", channels_exchanged, right(), ("edf",))
for _name, _unit in {"missing": "", "in_small_letters": "uv"}.items():
    row(f"edf_unit_{_name}_of_all", f"The unit of every EDF file is {_unit!r}, the table says uV",
        "every eeg", edf("unit", _unit), right("(?i)unit"), EDF)
row("edf_two_rates", "The heart is sampled four times as fast, and the table says so", "every channels.tsv",
    (cell(-1, RATE, lambda text: f"{4 * float(text):g}"), anew(lambda rows: rows | {HEART: np.repeat(rows[HEART], 4)})), right(), EDF)
row("edf_pause_between_events", "EDF+D: the recorder paused for 1.3 s, and events are in real time",
    EVENT, paused(4), right(), ("edf",))
row("edf_pause_in_an_event", "EDF+D: the recorder paused for 1.3 s during an event",
    EVENT, (spliced, paused(5)), right(), ("edf", "tasks"))
# fmt: on


# -------------------------------------------------------------------------- BrainVision headers


def replaced(old, new):
    """A way: a pattern in a text is replaced."""

    def way(spot):
        text, n = re.subn(old, new, spot.path.read_text("utf-8"))
        assert n, (old, spot.path)
        spot.path.write_text(text, "utf-8")

    return way


def vhdr_says(name, old, new, verdict="either", said=False):
    """A mutation: one entry of a BrainVision header is something else."""
    what = f"A BrainVision header says {new!r}"
    expected = of_recording(verdict, said)
    row(f"vhdr_{name}", what, "eeg.vhdr", replaced(old, new), expected, VHDR)


def two_recordings(spot):
    """Go on with one recording by chance; returns the data file of another."""
    one, other = spot.tree.rng.permutation(len(spot.tree.recordings))[:2]
    spot.recording = spot.tree.recordings[one]
    spot.path = spot.tree.path(spot.recording, "eeg")
    return spot.tree.path(spot.tree.recordings[other], "eeg")


def samples_of_another(spot):
    """A way: a header points to the samples of another recording."""
    path = two_recordings(spot).with_suffix(".eeg")
    new = f"DataFile=../../{path.relative_to(spot.tree.root).as_posix()}"
    replaced(r"DataFile=.*", new)(spot)


# fmt: off
vhdr_says("data_elsewhere", r"DataFile=.*", "DataFile=gone.eeg")
vhdr_says("data_outside", r"DataFile=.*", r"DataFile=/dev/zero")
vhdr_says("marks_elsewhere", r"MarkerFile=.*", "MarkerFile=gone.vmrk")
vhdr_says("marks_nowhere", r"MarkerFile=.*\n", "")
vhdr_says("format_float", r"BinaryFormat=.*", "BinaryFormat=INT_16", "refuse")
vhdr_says("format_unknown", r"BinaryFormat=.*", "BinaryFormat=INT_12", "refuse")
vhdr_says("channels_more", r"NumberOfChannels=.*", "NumberOfChannels=12")
vhdr_says("channels_fewer", r"NumberOfChannels=.*", "NumberOfChannels=3")
vhdr_says("interval_half", r"SamplingInterval=.*", "SamplingInterval=1953.125", "refuse")
vhdr_says("interval_zero", r"SamplingInterval=.*", "SamplingInterval=0", "refuse")
vhdr_says("unit_volt", r"µV", "V", said=True)
vhdr_says("unit_millivolt", r"µV", "mV", said=True)
vhdr_says("unit_missing", r",µV", ",", said=False)
vhdr_says("unit_nonsense", r"µV", "bananas", said=True)
vhdr_says("resolution_1000", r",0\.1,", ",100,", said=True)
vhdr_says("resolution_word", r",0\.1,", ",small,")
vhdr_says("names_exchanged", r"Ch1=Fz(.*)\n(?s:(.*))Ch3=Pz", r"Ch1=Pz\1\n\2Ch3=Fz", said=True)
vhdr_says("ascii_said", r"DataFormat=.*", "DataFormat=ASCII")
row("vhdr_of_another_person", "DataFile names the samples of another person",
    "study", samples_of_another, refuse("{name}|sub-{id}"), VHDR)
row("vhdr_empty_resolution_1", "A header is lost whose channels had a resolution of 1 uV",
    "eeg", WAYS["emptied"], refuse("{name}", recording=True), VHDR)
row("vhdr_renamed_without_its_pointers", "All three files were renamed; the header still names the old ones",
    "eeg", replaced(r"(Data|Marker)File=.*\.", r"\1File=pilot_7."), either("{name}", recording=True), VHDR)
# fmt: on


# --------------------------------------------------------------------------------- EEGLAB headers


def set_entries(**values):
    """A way: entries of a .set file are something else."""

    def way(spot):
        held = scipy.io.loadmat(spot.path)
        kept = {k: v for k, v in held.items() if not k.startswith("__")}
        scipy.io.savemat(spot.path, kept | values)

    return way


def set_says(
    name, verdict, said=False, on=SET, who="{name}|sub-{id}", recording=True, **values
):
    """A mutation: one entry of a .set file is something else."""
    what = f"An EEGLAB header says {values}"
    expected = Expectation(verdict, (who,), (who,) if said else (), recording)
    row(f"set_{name}", what, "eeg", set_entries(**values), expected, on)


def noted(label):
    """A way: a data file marks a place inside an event."""

    def way(spot):
        spliced(spot)
        mark = bases.Event(float(spot.about), 0.01, label, 0)
        spot.tree.rewrite(spot.recording, notes=[*spot.recording.events, mark])

    return way


def in_two_parts(spot):
    """A way: a FIF file in two parts, as MNE-BIDS names them."""
    whole = spot.path.stat().st_size  # of a part, MNE leaves a megabyte free
    how = {
        "split_naming": "bids",
        "split_size": 2**20 + whole * 2 // 3,
        "buffer_size_sec": 1.0,
    }
    spot.tree.rewrite(spot.recording, **how)
    spot.path.unlink(missing_ok=True)


def samples_replaced(spot):
    """A way: the samples of one recording are those of another."""
    other = two_recordings(spot).with_suffix(".fdt")
    shutil.copy(other, spot.path.with_suffix(".fdt"))
    spot.about = re.escape(other.stem)


# fmt: off
set_says("rate_double", "refuse", srate=400.0)
set_says("rate_zero", "refuse", srate=0.0)
set_says("channels_more", "either", nbchan=12.0)
set_says("channels_none", "either", nbchan=0.0)
set_says("samples_more", "either", on=("fdt",), pnts=99999.0)
set_says("samples_fewer", "either", on=("fdt",), said=True, pnts=900.0)
set_says("in_epochs", "either", said=True, who="(?i)epoch", recording=False, trials=2.0)
set_says("places_missing", "either", chanlocs=np.zeros((0, 0)))
set_says("data_word", "refuse", on=("set",), data="nothing.fdt")
row("set_places_missing_of_all", "No EEGLAB file names its channels, the tables do",
    "every eeg", set_entries(chanlocs=np.zeros((0, 0))), right(r"channels\.tsv"), SET)
row("set_spliced", "The file holds a boundary inside an event, of which the table says nothing",
    EVENT, noted("boundary"), right(), SET)
row("fif_spliced", "The file holds an EDGE boundary inside an event, of which the table says nothing",
    EVENT, noted("EDGE boundary"), right(), FIF)
row("fif_with_a_gap", "The file holds a gap, BAD_ACQ_SKIP, of which the table says nothing",
    EVENT, noted("BAD_ACQ_SKIP"), right(), FIF)
row("fif_in_two_parts", "Every recording is split in two files, with one table",
    "every eeg", in_two_parts, right(), FIF)
row("fdt_of_another_person", "The header of one person names the samples of another",
    "study", samples_replaced, refuse("{name}|{about}|sub-{id}"), ("fdt",))
# fmt: on


# ---------------------------------------------------------------------------- signals of one person


def rewritten(change):
    """A way: a recording is written anew after ``change(eeg, rng)``, its heart as it was."""

    def way(spot):
        def change_eeg(rows):
            eeg = change(np.array([rows[name] for name in EEG]), spot.tree.rng)
            return rows | dict(zip(EEG, eeg, strict=True))

        spot.tree.rewrite(spot.recording, change_eeg)

    return way


def signal(name, what, verdict, change, on=SYNTHETIC):
    """A mutation: the signals of one recording are something else."""
    who = (r"{name}|sub-{id}\b",)
    expected = Expectation(verdict, culprit=who, said=who)
    row(name, what, "eeg", (rewritten(change), loose), expected, on)


def clipped(eeg, rng):
    top = np.abs(eeg).max(axis=1, keepdims=True) / 5
    return np.clip(eeg, -top, top)


def loose_contacts(number):
    """A change of the signals: the first electrodes have no contact."""

    def change(eeg, rng):
        eeg[:number] += 3000 * np.sin(2 * np.pi * 13.7 * np.arange(eeg.shape[1]) / 128)
        return eeg

    return change


def two_loose_of_four(spot):
    """A way: four electrodes are there, and in the first recording two have no contact."""

    def change(rows):
        loose = loose_contacts(2)(np.array(list(rows.values())), None)
        first = spot.recording is spot.tree.recordings[0]
        rows = dict(zip(rows, loose, strict=True)) if first else rows
        return {name: rows[name] for name in (*EEG[:4], HEART)}

    with_channels(change)(spot)


def named_alone(names):
    """What is expected of loose electrodes: they are named, and the unit is not blamed."""
    each = tuple(rf"\b{name}\b" for name in names)
    return Expectation("either", ("(?s)^(?!.*the unit)", *each), each)


def two_people(spot):
    """A way: all but the first two people are gone."""
    tree = spot.tree
    gone = sorted({r.subject for r in tree.recordings})[2:]
    for subject in gone:
        shutil.rmtree(tree.root / f"sub-{subject}")
    rows = bases.read_tsv(tree.root / "participants.tsv")
    bases.write_tsv(
        tree.root / "participants.tsv", [r for r in rows if r[0][4:] not in gone]
    )
    tree.recordings = [r for r in tree.recordings if r.subject not in gone]
    tree.truth.drop(lambda w: w.subject not in gone)


def bridged(eeg, rng):
    eeg[1] = eeg[2] + rng.normal(0, 0.2, eeg.shape[1])
    return eeg


def one_sample(value):
    """A change of the signals: one sample is another."""

    def change(eeg, rng):
        eeg[0, 700] = value
        return eeg

    return change


def garbage(eeg, rng):
    first, last = round(4.5 * 128), round(5.5 * 128)
    eeg[:, first:last] += 500 * rng.standard_normal((len(EEG), last - first))
    return eeg


# fmt: off
for _name, _factor in {"thousand_times": 1e3, "million_times": 1e6, "thousandth": 1e-3}.items():
    _scaled = partial(lambda factor, eeg, rng: eeg * factor, _factor)
    signal(f"signal_{_name}", "Amplitudes are another power of ten", "either", _scaled)
    row(f"signal_{_name}_of_all", "Amplitudes are another power of ten", "every eeg",
        (rewritten(_scaled), loose), either(r"_eeg|\bsub-0\d|uV", said=r"_eeg|\bsub-0\d|uV"))
signal("signal_zero", "A recording of zeros", "refuse", lambda eeg, rng: eeg * 0)
signal("signal_half_zero", "The second half of a recording is zeros", "either",
       lambda eeg, rng: np.where(np.arange(eeg.shape[1]) < eeg.shape[1] // 2, eeg, 0))
signal("signal_constant", "A recording of one value per channel", "refuse",
       lambda eeg, rng: eeg * 0 + np.arange(1, len(eeg) + 1)[:, None] * 7.0)
signal("signal_one_channel_flat", "One channel is flat", "either",
       lambda eeg, rng: np.where(np.arange(len(EEG))[:, None] == rng.integers(len(EEG)), 0, eeg))
signal("signal_bridged", "Two channels hold the same", "either", lambda eeg, rng: eeg[[0, 2, 2, *range(3, len(eeg))]])
signal("signal_clipped", "Every channel is clipped at a fifth of its reach", "either", clipped)
for _name, _number in {"one_loose": 1, "two_loose": 2}.items():
    row(f"signal_{_name}", f"3 mV of 13.7 Hz on {_number} of six electrodes, as of a loose contact", "eeg",
        rewritten(loose_contacts(_number)), named_alone(EEG[:_number]))
row("signal_two_loose_of_four", "3 mV on two of the four electrodes of one recording", "every eeg",
    (two_loose_of_four, only(EEG[:4])), named_alone(EEG[:2]))
row("signal_hum_common", "1.7 mV of the mains on all electrodes alike, before any reference", "every eeg",
    rewritten(lambda eeg, rng: eeg + 1700 * np.sin(2 * np.pi * 0.39 * np.arange(eeg.shape[1]))), right())
row("signal_bridged_of_two_people", "Two channels hold the same but for noise, in a study of two people", "first eeg",
    (two_people, rewritten(bridged), loose), Expectation("either", ("{name}|sub-{id}",), ("{name}|sub-{id}",)))
signal("signal_jumps", "Jumps of 20 mV", "either",
       lambda eeg, rng: eeg + 20_000 * (np.cumsum(rng.random(eeg.shape[1]) < 0.004) % 2))
signal("signal_two_jumps", "Two jumps of 20 mV", "either",
       lambda eeg, rng: eeg + 20_000 * (np.arange(eeg.shape[1]) * 3 // eeg.shape[1] == 1))
signal("signal_one_channel_hundredfold", "One channel is a hundred times as large", "either",
       lambda eeg, rng: eeg * np.where(np.arange(len(eeg)) == 1, 100, 1)[:, None])
signal("signal_not_a_number", "One sample is not a number", "refuse", one_sample(np.nan), ("vhdr", "set", "fdt"))
signal("signal_infinite", "One sample is infinite", "refuse", one_sample(np.inf), SET)
row("signal_with_an_offset", "A constant of 2 mV on every channel, as amplifiers give it",
    "eeg", rewritten(lambda eeg, rng: eeg + 2000), right())
row("signal_with_a_loud_heart", "The heart is ten times as large, and is no EEG", "eeg",
    lambda spot: spot.tree.rewrite(spot.recording, lambda rows: rows | {bases.HEART: rows[bases.HEART] * 10}), right())
row("signal_under_a_bad_segment", "Garbage inside a BAD_ segment, and nowhere else", EVENT,
    (rewritten(garbage), more("4.2", "1.6", "BAD_"), under_a_bad_segment(3, 5), loose),
    either("BAD_|{file}|sub-{id}", said="sub-{id}"), ("edf", "sessions"))
# fmt: on


# ------------------------------------------------------------------------- one signal, two people


def of_somebody_else(change=None, fmt=None):
    """A way: the file holds the signals of another person, or what ``change`` makes of them."""

    def way(spot):
        one, tree = spot.recording, spot.tree
        others = [r for r in tree.recordings if r.subject != one.subject]
        others = [r for r in others if r.task == one.task]
        other = others[tree.rng.integers(len(others))]
        spot.about = other.subject
        data = other.data() if change is None else change(other.data(), round(one.sfreq))
        path = tree.path(one, "eeg") if fmt is None else spot.path / f"{one.stem}_eeg.{fmt}"
        bases.write_signal(
            path, fmt or tree.base.fmt, data, bases.NAMES, one.sfreq, one.events
        )

    return way


def as_second_run(spot):
    """A way: files of a recording are there once more, as those of a second run."""
    for path in list(spot.path.parent.glob(f"{spot.recording.stem}_*")):
        other = path.with_name(path.name.replace("_task-oddball_", "_task-oddball_run-2_"))
        shutil.copy(path, other)
        if path.suffix in (".vhdr", ".vmrk"):
            text = path.read_text("utf-8").replace("_task-oddball_", "_task-oddball_run-2_")
            other.write_text(text, "utf-8")


TWO_PEOPLE = refuse("sub-{id}|sub-{about}")
# fmt: off
row("copy_of_another_person", "One recording filed under two people", "eeg", of_somebody_else(), TWO_PEOPLE)
row("copy_but_for_its_end", "One recording filed under two people, with the last second changed",
    "eeg", of_somebody_else(lambda data, second: np.hstack([data[:, :-second], data[:, -second:] * 0.5])), TWO_PEOPLE)
row("copy_but_for_its_beginning", "One recording filed under two people, cut at another place by one event", "eeg",
    of_somebody_else(lambda data, second: np.hstack([data[:, 4 * second :], data[:, : 4 * second] * 0.97])),
    TWO_PEOPLE, ONE_TASK)
row("copy_in_another_format", "One recording filed under two people, once as EDF",
    "folder", (gone("{stem}_eeg.[!j]*"), of_somebody_else(fmt="edf")), TWO_PEOPLE, ("vhdr", "fdt", "set"))
row("copy_within_a_person", "One recording of a person filed as a second run",
    "eeg", as_second_run, refuse("{name}"), ONE_TASK)
# fmt: on
