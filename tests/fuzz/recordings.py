"""Mutations of what holds the signals: headers, data files, and the signals themselves."""

import gzip
import re
import shutil

import numpy as np
import scipy.io

from fuzz import bases
from fuzz.bases import EEG
from fuzz.tables import (
    WAYS,
    a_folder,
    a_link_to_itself,
    a_link_to_nothing,
    a_login_page,
    a_pipe,
    a_pointer,
    behind_a_link,
    cut,
    deleted,
    edit_events,
    emptied,
    in_utf16,
    locate,
    marked,
    mutation,
    randomised,
    with_latin1,
    with_windows_lines,
)

EDF, VHDR, SET = ("edf", "tasks", "sessions"), ("vhdr",), ("set", "fdt")
SIGNALS = ("edf", "vhdr", "set", "fdt", "tasks", "sessions")


def stem_of(recording):
    """A pattern that is the name of a recording's data file without its end."""
    return re.escape(f"{recording.stem}_eeg")


# ---------------------------------------------------------------------- the file, spoiled somehow


def spoil_recording(end, way, on):
    """A mutation: one file of the signals, spoiled in one way."""

    def spoiled(tree):
        path = locate(tree, end)
        way(path, tree)
        named = re.escape(path.stem)
        if way is behind_a_link:
            tree.right()
        elif end == "_eeg.vmrk":  # marks are read from events.tsv
            tree.either(named, recording=True)
        else:
            tree.refuse(named, recording=True)

    spoiled.__name__ = f"{end.split('.')[-1]}_{way.__name__}"
    spoiled.__doc__ = f"{end} is {way.__name__.replace('_', ' ')}"
    mutation(*on)(spoiled)


KINDS = {
    "_eeg.edf": (*EDF, "real"), "_eeg.vhdr": VHDR, "_eeg.vmrk": VHDR, "_eeg.eeg": VHDR,
    "_eeg.set": SET, "_eeg.fdt": ("fdt",),
}  # fmt: skip
RECORDING_WAYS = (
    emptied, cut, a_login_page, a_pointer, randomised, a_folder, a_pipe, a_link_to_nothing,
    a_link_to_itself, behind_a_link, deleted,
)  # fmt: skip
for _end, _bases in KINDS.items():
    for _way in RECORDING_WAYS:
        if (_end, _way) in (("_eeg.eeg", randomised), ("_eeg.fdt", randomised)):
            continue  # noise of some length is a signal
        spoil_recording(_end, _way, _bases)

for _way in (marked, in_utf16, with_latin1, with_windows_lines):
    for _end in ("_eeg.vhdr", "_eeg.vmrk"):

        def header_in_another_way(tree, end=_end, way=_way):
            path = locate(tree, end)
            if way is with_latin1:
                text = path.read_text("utf-8")
                path.write_bytes(text.encode("latin-1").replace(b"UTF-8", b"ANSI"))
            else:
                way(path, tree)
            tree.either(re.escape(path.stem), recording=True)

        header_in_another_way.__name__ = f"{_end.split('.')[-1]}_{_way.__name__}"
        header_in_another_way.__doc__ = f"{_end} is {_way.__name__.replace('_', ' ')}"
        mutation("vhdr")(header_in_another_way)
assert set(RECORDING_WAYS) <= set(WAYS)


def shorten(path, n):
    """Take the last ``n`` bytes away."""
    held = path.read_bytes()
    path.write_bytes(held[:-n])


def data_path(tree, recording):
    """The file that holds the samples."""
    path = tree.path(recording, "eeg")
    return path.with_suffix({"vhdr": ".eeg", "fdt": ".fdt"}.get(tree.base.fmt, path.suffix))


def forget_duration(tree, recording):
    """Take RecordingDuration out of the sidecar, so that nothing there tells of a cut."""
    path = tree.path(recording, "eeg.json")
    path.write_text(re.sub(r'"RecordingDuration": [\d.]+,?\s*', "", path.read_text()))


@mutation("edf", "vhdr", "fdt", "tasks", "sessions")
def data_cut_in_half_and_no_word_of_it(tree):
    """The samples are cut in half, and the sidecar does not say how many there were"""
    recording = tree.recording()
    forget_duration(tree, recording)
    path = data_path(tree, recording)
    shorten(path, path.stat().st_size // 2 // 40 * 40)
    half = recording.seconds / 2 - bases.WINDOW_S
    own = [w for w in tree.truth.windows if w.stem == recording.stem]
    tree.truth.optional += [w for w in own if abs(w.start - half) <= 1]  # may just fit
    tree.truth.drop(lambda w: w.stem != recording.stem or w.start < half - 1)
    tree.either(stem_of(recording), said=f"sub-{recording.subject}", recording=True)


@mutation("vhdr", "fdt")
def data_cut_by_one_byte(tree):
    """The last byte is missing"""
    recording = tree.recording()
    shorten(data_path(tree, recording), 1)
    tree.either(stem_of(recording), recording=True)


@mutation("edf", "tasks", "sessions", "vhdr")
def data_with_more_bytes(tree):
    """Seven bytes too many at the end"""
    recording = tree.recording()
    with data_path(tree, recording).open("ab") as file:
        file.write(b"\x01" * 7)
    tree.either(stem_of(recording), recording=True)


@mutation("edf", "vhdr", "set")
def data_compressed(tree):
    """The data file was packed, and kept its name"""
    recording = tree.recording()
    path = data_path(tree, recording)
    path.write_bytes(gzip.compress(path.read_bytes()))
    tree.refuse(stem_of(recording), recording=True)


# ------------------------------------------------------------------------------------ EDF headers

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


def edit_edf(tree, key, value, which=None, recording=None):
    """Overwrite a field of one EDF header, of the channels ``which``; returns the recording."""
    recording = recording or tree.recording()
    path = tree.path(recording, "eeg")
    held = bytearray(path.read_bytes())
    n_signals = int(held[252:256])
    value = value.encode("latin-1") if isinstance(value, str) else value
    if key in FIELDS:
        start, width = FIELDS[key]
        held[start : start + width] = value.ljust(width)[:width]
    else:
        start, width = OF_SIGNALS[key]
        for i in which if which is not None else range(len(EEG)):
            at = 256 + start * n_signals + i * width
            held[at : at + width] = value.ljust(width)[:width]
    path.write_bytes(held)
    return recording


def edf_field(name, key, value, verdict, which=None, said=(), on=EDF):
    """A mutation: one field of one EDF header is something else."""

    def field(tree):
        recording = edit_edf(tree, key, value, which)
        who = rf"{stem_of(recording)}|sub-{recording.subject}\b"
        tree.either(who, said=who if said else (), recording=True)
        tree.expectations[-1].verdict = verdict

    field.__name__ = f"edf_{name}"
    field.__doc__ = f"{key} of an EDF header is {value!r}"
    mutation(*on)(field)


edf_field("date_impossible", "date", "99.99.99", "either")
edf_field("patient_beyond_ascii", "patient", "M\xfcller \xc5se", "either")
edf_field("patient_null_bytes", "patient", b"\0" * 80, "either")
edf_field("version_text", "version", "EDF", "either")
edf_field("header_bytes_wrong", "bytes", "512", "either")
edf_field("header_bytes_word", "bytes", "many", "either")
edf_field("records_unknown", "n_records", "-1", "either")
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


@mutation("edf", "sessions")
def edf_half_the_rate_and_no_sidecar(tree):
    """A header with half the sampling rate, and no sidecar to contradict it"""
    recording = edit_edf(tree, "record_s", "2")
    tree.path(recording, "eeg.json").unlink()
    path = tree.path(recording, "channels.tsv")
    path.write_text(path.read_text().replace("sampling_frequency", "notes"))
    tree.truth.loose.add(
        recording.subject
    )  # windows would be long ones; somebody must say so
    who = f"{stem_of(recording)}|sub-{recording.subject}"
    tree.either(who, said=who, recording=True)


@mutation("edf")
def edf_channels_exchanged(tree):
    """Header and table of one recording list two channels the other way round: both are right"""
    recording = tree.recording()
    names, order = [*EEG, bases.HEART], [2, 1, 0, 3, 4]
    path = tree.path(recording, "eeg")
    bases.write_signal(
        path, "edf", recording.data()[order], [names[i] for i in order], recording.sfreq,
        recording.events,
    )  # fmt: skip
    table = tree.path(recording, "channels.tsv")
    head, *rows = bases.read_tsv(table)
    bases.write_tsv(table, [head, *(rows[i] for i in order)])
    tree.right()


# -------------------------------------------------------------------------- BrainVision headers


def edit_text(tree, end, old, new, recording=None):
    """Replace a pattern in a text header; returns the recording."""
    recording = recording or tree.recording()
    path = tree.path(recording, end)
    text, n = re.subn(old, new, path.read_text("utf-8"))
    assert n, (old, path)
    path.write_text(text, "utf-8")
    return recording


def vhdr_says(name, old, new, verdict="either", said=False):
    """A mutation: one entry of a BrainVision header is something else."""

    def header(tree):
        recording = edit_text(tree, "eeg.vhdr", old, new)
        who = f"{stem_of(recording)}|sub-{recording.subject}"
        tree.either(who, said=who if said else (), recording=True)
        tree.expectations[-1].verdict = verdict

    header.__name__ = f"vhdr_{name}"
    header.__doc__ = f"A BrainVision header says {new!r}"
    mutation("vhdr")(header)


vhdr_says("data_elsewhere", r"DataFile=.*", "DataFile=gone.eeg")
vhdr_says("data_outside", r"DataFile=.*", r"DataFile=/dev/zero")
vhdr_says("marks_elsewhere", r"MarkerFile=.*", "MarkerFile=gone.vmrk")
vhdr_says("marks_nowhere", r"MarkerFile=.*\n", "")
vhdr_says("format_float", r"BinaryFormat=.*", "BinaryFormat=INT_16", "refuse")
vhdr_says("format_unknown", r"BinaryFormat=.*", "BinaryFormat=INT_12", "refuse")
vhdr_says("channels_more", r"NumberOfChannels=.*", "NumberOfChannels=9")
vhdr_says("channels_fewer", r"NumberOfChannels=.*", "NumberOfChannels=3")
vhdr_says("interval_half", r"SamplingInterval=.*", "SamplingInterval=1953.125", "refuse")
vhdr_says("interval_zero", r"SamplingInterval=.*", "SamplingInterval=0", "refuse")
vhdr_says("unit_volt", r"µV", "V", said=True)
vhdr_says("unit_millivolt", r"µV", "mV", said=True)
vhdr_says("unit_missing", r",µV", ",", said=False)
vhdr_says("unit_nonsense", r"µV", "bananas", said=True)
vhdr_says("resolution_1000", r",0\.1,", ",100,", said=True)
vhdr_says("resolution_word", r",0\.1,", ",small,")
vhdr_says(
    "names_exchanged", r"Ch1=Fz(.*)\n(?s:(.*))Ch3=Pz", r"Ch1=Pz\1\n\2Ch3=Fz", said=True
)
vhdr_says("ascii_said", r"DataFormat=.*", "DataFormat=ASCII")


@mutation("vhdr")
def vhdr_of_another_person(tree):
    """DataFile names the samples of another person"""
    one, other = tree.rng.permutation(len(tree.recordings))[:2]
    one, other = tree.recordings[one], tree.recordings[other]
    path = tree.path(other, "eeg.vhdr").with_suffix(".eeg")
    new = f"DataFile=../../{path.relative_to(tree.root).as_posix()}"
    edit_text(tree, "eeg.vhdr", r"DataFile=.*", new, one)
    tree.refuse(f"{stem_of(one)}|sub-{one.subject}")


@mutation("vhdr")
def vhdr_empty_resolution_1(tree):
    """A header is lost whose channels had a resolution of 1 uV"""
    recording = tree.recording()
    path = tree.path(recording, "eeg")
    path.write_bytes(b"")
    tree.refuse(stem_of(recording), recording=True)


@mutation("vhdr")
def vhdr_renamed_without_its_pointers(tree):
    """All three files were renamed; the header still names the old ones"""
    recording = tree.recording()
    edit_text(tree, "eeg.vhdr", r"(Data|Marker)File=.*\.", r"\1File=pilot_7.", recording)
    tree.either(stem_of(recording), recording=True)


# --------------------------------------------------------------------------------- EEGLAB headers


def set_says(name, verdict, said=False, on=SET, **values):
    """A mutation: one entry of a .set file is something else."""

    def header(tree):
        recording = tree.recording()
        path = tree.path(recording, "eeg")
        held = scipy.io.loadmat(path)
        kept = {k: v for k, v in held.items() if not k.startswith("__")}
        scipy.io.savemat(path, kept | values)
        who = f"{stem_of(recording)}|sub-{recording.subject}"
        tree.either(who, said=who if said else (), recording=True)
        tree.expectations[-1].verdict = verdict

    header.__name__ = f"set_{name}"
    header.__doc__ = f"An EEGLAB header says {values}"
    mutation(*on)(header)


set_says("rate_double", "refuse", srate=400.0)
set_says("rate_zero", "refuse", srate=0.0)
set_says("channels_more", "either", nbchan=9.0)
set_says("channels_none", "either", nbchan=0.0)
set_says("samples_more", "either", on=("fdt",), pnts=99999.0)
set_says("samples_fewer", "either", on=("fdt",), said=True, pnts=900.0)
set_says("in_epochs", "either", said=True, trials=2.0)
set_says("places_missing", "either", chanlocs=np.zeros((0, 0)))
set_says("data_word", "refuse", on=("set",), data="nothing.fdt")


@mutation("fdt")
def fdt_of_another_person(tree):
    """The header of one person names the samples of another"""
    one, other = tree.rng.permutation(len(tree.recordings))[:2]
    one, other = tree.recordings[one], tree.recordings[other]
    shutil.copy(data_path(tree, other), data_path(tree, one))
    tree.refuse(f"{stem_of(one)}|{stem_of(other)}|sub-{one.subject}")


# ---------------------------------------------------------------------------- signals of one person


def signal(name, verdict, on=SIGNALS, everybody=False, who=None):
    """Register a change of the signals: ``change(tree, data)`` of one recording, or of all."""

    def register(change):
        def changed(tree):
            chosen = tree.recordings if everybody else [tree.recording()]
            for recording in chosen:
                tree.rewrite(recording, lambda data: change(tree, data))
                tree.truth.loose.add(recording.subject)
            last = chosen[-1]
            named = rf"{stem_of(last)}|sub-{last.subject}\b"
            if everybody:
                named = r"_eeg|\bsub-0\d|uV"
            tree.either(named, said=named)
            tree.expectations[-1].verdict = verdict

        changed.__name__ = name
        changed.__doc__ = change.__doc__
        mutation(*on)(changed)
        return change

    return register


def only_eeg(data, values):
    """The same recording with other EEG, heart untouched."""
    return np.vstack([values, data[-1:]])


for _word, _factor in {
    "thousand_times": 1e3,
    "million_times": 1e6,
    "thousandth": 1e-3,
}.items():
    for _all in (False, True):

        def scaled(tree, data, factor=_factor):
            """Amplitudes are another power of ten"""
            return only_eeg(data, data[:-1] * factor)

        signal(f"signal_{_word}{'_of_all' if _all else ''}", "either", everybody=_all)(
            scaled
        )


@signal("signal_zero", "refuse")
def _zero(tree, data):
    """A recording of zeros"""
    return only_eeg(data, data[:-1] * 0)


@signal("signal_half_zero", "either")
def _half_zero(tree, data):
    """The second half of a recording is zeros"""
    data[:-1, data.shape[1] // 2 :] = 0
    return data


@signal("signal_constant", "refuse")
def _constant(tree, data):
    """A recording of one value per channel"""
    return only_eeg(data, data[:-1] * 0 + np.arange(1, len(data))[:, None] * 7.0)


@signal("signal_one_channel_flat", "either")
def _flat(tree, data):
    """One channel is flat"""
    data[int(tree.rng.integers(len(EEG)))] = 0
    return data


@signal("signal_bridged", "either")
def _bridged(tree, data):
    """Two channels hold the same"""
    data[1] = data[2]
    return data


@signal("signal_clipped", "either")
def _clipped(tree, data):
    """Every channel is clipped at a fifth of its reach"""
    top = np.abs(data[:-1]).max(axis=1, keepdims=True) / 5
    return only_eeg(data, np.clip(data[:-1], -top, top))


@signal("signal_hum", "either")
def _hum(tree, data):
    """3 mV of 13.7 Hz on one electrode, as of a loose contact"""
    data[0] += 3000 * np.sin(2 * np.pi * 13.7 * np.arange(data.shape[1]) / 128)
    return data


@signal("signal_jumps", "either")
def _jumps(tree, data):
    """Jumps of 20 mV"""
    steps = np.cumsum(tree.rng.random(data.shape[1]) < 0.004)
    return only_eeg(data, data[:-1] + 20_000 * (steps % 2))


@signal("signal_one_channel_hundredfold", "either")
def _loud(tree, data):
    """One channel is a hundred times as large"""
    data[1] *= 100
    return data


@signal("signal_not_a_number", "refuse", on=("vhdr", "set", "fdt"))
def _nan(tree, data):
    """One sample is not a number"""
    data[0, 700] = np.nan
    return data


@signal("signal_infinite", "refuse", on=("set", "fdt"))
def _infinite(tree, data):
    """One sample is infinite"""
    data[0, 700] = np.inf
    return data


@mutation(*SIGNALS)
def signal_with_an_offset(tree):
    """A constant of 2 mV on every channel, as amplifiers give it"""
    recording = tree.recording()
    tree.rewrite(recording, lambda data: only_eeg(data, data[:-1] + 2000))
    tree.right()


@mutation(*SIGNALS)
def signal_with_a_loud_heart(tree):
    """The heart is ten times as large, and is no EEG"""
    tree.rewrite(tree.recording(), lambda data: np.vstack([data[:-1], data[-1:] * 10]))
    tree.right()


@mutation("edf", "sessions")
def signal_under_a_bad_segment(tree):
    """Garbage inside a BAD_ segment, and nowhere else"""
    recording = tree.recording()

    def spoil(data):
        first, last = (round(t * recording.sfreq) for t in (4.5, 5.5))
        data[:-1, first:last] += 500 * tree.rng.standard_normal((len(EEG), last - first))
        return data

    tree.rewrite(recording, spoil)
    _, named = edit_events(
        tree, lambda rows: rows.append(["4.2", "1.6", "BAD_"]), recording
    )
    tree.truth.drop(lambda w: w.stem != recording.stem or w.start != 4.0)
    tree.truth.loose.add(recording.subject)
    tree.either(f"BAD_|{named}|sub-{recording.subject}", said=f"sub-{recording.subject}")


# ------------------------------------------------------------------------- one signal, two people


def two_people(tree):
    """Two recordings of different people, by chance."""
    one = tree.recording()
    others = [r for r in tree.recordings if r.subject != one.subject and r.task == one.task]
    return one, others[tree.rng.integers(len(others))]


def replace_signal(tree, one, data, events=None):
    """Write other samples under a recording's name."""
    path, names = tree.path(one, "eeg"), (*EEG, bases.HEART)
    events = one.events if events is None else events
    bases.write_signal(path, tree.base.fmt, data, names, one.sfreq, events)


@mutation(*SIGNALS)
def copy_of_another_person(tree):
    """One recording filed under two people"""
    one, other = two_people(tree)
    replace_signal(tree, one, other.data())
    tree.refuse(f"sub-{one.subject}|sub-{other.subject}")


@mutation(*SIGNALS)
def copy_but_for_its_end(tree):
    """One recording filed under two people, with the last second changed"""
    one, other = two_people(tree)
    data = other.data()
    data[:, -round(one.sfreq) :] *= 0.5
    replace_signal(tree, one, data)
    tree.refuse(f"sub-{one.subject}|sub-{other.subject}")


@mutation("edf", "vhdr", "set", "fdt")
def copy_but_for_its_beginning(tree):
    """One recording filed under two people, cut at another place by one event"""
    one, other = two_people(tree)
    data = other.data()
    shift = round(4 * one.sfreq)
    replace_signal(tree, one, np.hstack([data[:, shift:], data[:, :shift] * 0.97]))
    tree.refuse(f"sub-{one.subject}|sub-{other.subject}")


@mutation("vhdr", "fdt", "set")
def copy_in_another_format(tree):
    """One recording filed under two people, once as EDF"""
    one, other = two_people(tree)
    for path in tree.path(one, "eeg").parent.glob(f"{one.stem}_eeg.*"):
        if path.suffix != ".json":
            path.unlink()
    path = tree.path(one, "eeg").with_suffix(".edf")
    names = (*EEG, bases.HEART)
    bases.write_signal(path, "edf", other.data(), names, one.sfreq, one.events)
    tree.refuse(f"sub-{one.subject}|sub-{other.subject}")


@mutation("edf", "vhdr", "set", "fdt")
def copy_within_a_person(tree):
    """One recording of a person filed as a second run"""
    one = tree.recording()
    for path in list((tree.root / one.folder).glob(f"{one.stem}_*")):
        name = path.name.replace("_task-oddball_", "_task-oddball_run-2_")
        if path.suffix in (".vhdr", ".vmrk"):
            text = path.read_text("utf-8").replace("_task-oddball_", "_task-oddball_run-2_")
            path.with_name(name).write_text(text, "utf-8")
        else:
            shutil.copy(path, path.with_name(name))
    tree.refuse(stem_of(one))
