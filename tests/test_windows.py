"""Files that are read whole, letters beyond ASCII, and where a window comes from."""

import mne
import mne_bids
import numpy as np
import pytest

import _study
from _study import StudyError
from _study.find import record_of
from _study.formats import FORMATS
from _study.header import read_header
from _study.windows import _list_recordings
from conftest import write_bids


def data_file(root, end=".edf"):
    """The only data file of a study of one person."""
    (path,) = root.rglob(f"*_eeg{end}")
    return path


def overwrite(path, at, text):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(text)


@pytest.fixture
def edf(tmp_path):
    return data_file(write_bids(tmp_path / "study", subjects=("01",)))


def test_a_header_that_counts_more_records_than_there_are_is_refused(edf):
    root = edf.parents[2]
    assert read_header(root, edf).raw.n_times == 20 * 128
    overwrite(edf, 236, b"99999   ")
    with pytest.warns(RuntimeWarning, match="does not match the file size"):
        mne.io.read_raw(edf)  # MNE says so as well, and reads what is there
    with pytest.raises(StudyError, match="does not match the file size.*fetch it again"):
        read_header(root, edf)


def test_a_last_record_that_is_cut_is_refused(edf):
    edf.with_suffix(".json").unlink()
    edf.write_bytes(edf.read_bytes()[:-1])
    with pytest.raises(StudyError, match="does not match the file size"):
        read_header(edf.parents[2], edf)


def test_a_note_in_other_letters_is_read(edf):
    content = edf.read_bytes()
    assert content.count(b"left") >= 5
    edf.write_bytes(content.replace(b"left", b"l\xe9ft"))
    with pytest.raises(Exception, match="latin1"):
        mne.io.read_raw(edf, verbose="ERROR")
    raw = read_header(edf.parents[2], edf).raw
    assert set(raw.annotations.description) == {"léft", "right"}


def test_a_name_in_other_letters_is_read(tmp_path):
    root = write_bids(tmp_path / "study", subjects=("01",), fmt="EEGLAB")
    path = data_file(root, ".set")
    content = path.read_bytes()
    # Two letters in a MAT file: from type 16 (UTF-8) to type 4, two bytes for each, which MATLAB
    # writes. Taken for UTF-8 these are one letter, and MNE misses the other.
    utf8, wide = b"\x10\0\x02\0Fz\0\0", b"\x04\0\x04\0\xc3\0\xa9\0"
    assert utf8 in content
    path.write_bytes(content.replace(utf8, wide))
    with pytest.raises(Exception, match="buffer is too small"):
        mne.io.read_raw(path, verbose="ERROR")
    assert read_header(root, path).raw.ch_names == ["Ã©", "Cz", "Pz", "Oz"]


def test_of_two_errors_the_first_is_told(edf, monkeypatch):
    letters = []

    def read_raw(path, *, verbose, **how):
        letters.append(how)
        raise ValueError(f"error {len(letters)}")

    monkeypatch.setattr(mne.io, "read_raw", read_raw)
    with pytest.raises(StudyError, match=r"cannot be read \(ValueError: error 1\)"):
        read_header(edf.parents[2], edf)
    assert letters == [{}, {"encoding": "latin1"}]


@pytest.mark.parametrize("column", [None, "age"])
def test_a_window_says_its_recording_and_its_second(bids, column):
    study = _study.open_study(bids, column=column)
    table = study.metadata
    sample = (table["start_s"] * study.sfreq).round().astype(int)
    named = [f"{r}_sample-{s:06d}" for r, s in zip(table["recording"], sample, strict=True)]
    assert table["sample_id"].tolist() == named
    assert set(table["recording"]) == {f"sub-{s}_task-oddball" for s in ("01", "02", "03")}
    assert np.allclose(table["start_s"] % 2, 0, atol=1.5 / study.sfreq)


def test_each_recording_is_measured_under_its_own_name(bids, monkeypatch):
    """Whatever the order in which Braindecode calls the steps, and how often."""
    measured = []
    real = _study.windows.measure_signal

    def measure_signal(raw, path):
        measured.append((str(raw.filenames[0]), str(path)))
        return real(raw, path)

    monkeypatch.setattr(_study.windows, "measure_signal", measure_signal)
    _study.open_study(bids)
    assert len(measured) == 3
    assert all(filename == path for filename, path in measured)


def test_a_format_is_opened_only_if_mne_bids_reads_it():
    """EEGDash passes over the other endings, whatever MNE reads."""
    assert set(FORMATS) <= set(mne_bids.config.reader)


def test_recordings_that_eegdash_drops_are_a_refusal_with_their_ending(edf):
    """A format that MNE-BIDS does not read can only come from a new entry of FORMATS."""
    root = edf.parents[2]
    records = [record_of(root, edf.with_suffix(".gdf"))]
    with pytest.raises(
        StudyError, match=r"opens none of the recordings .*\(\.gdf\): write"
    ):
        _list_recordings(root, records)
