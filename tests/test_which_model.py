"""Which pretrained model takes whose windows: facts with their words, rules, and classes that are built."""

import importlib
import json
import re
from dataclasses import replace

import pytest
import torch
from braindecode.models.util import models_dict

import _model.which
from _helpers.pages import DOCS
from _model.families import FACTS, Family, families, scale_of
from _model.fit import SCALES
from _model.which import Recording, judge_families, judge_family, try_class

CAP = ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3")
CAP += ("Pz", "P4", "P8", "O1", "O2")
PLAIN = Recording("plain", CAP, 200.0, 4.0)
NET = Recording("net", (*(f"E{n}" for n in range(1, 129)), "Cz"), 500.0, 2.0)
BAND = Recording("band", ("TP9", "AF7", "AF8", "TP10"), 256.0, 2.0)


def words(text):
    """A source as one line, comments among the rest, strings that go on joined."""
    text = re.sub(r'"\s*\n\s*f?"', "", text)
    return " ".join(re.sub(r"^\s*#\s?", "", text, flags=re.M).split())


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_stands_where_it_was_read(name):
    module = importlib.import_module(models_dict[name].__module__)
    with open(module.__file__, encoding="utf-8") as file:
        source = words(file.read())
    for what, (value, rests_on) in FACTS[name].items():
        if value is not None:
            assert rests_on, f"{what}={value} rests on nothing"
        if rests_on and not rests_on.startswith("elsewhere:"):
            assert words(rests_on) in source, f"{what}: not in Braindecode's source"


def test_facts_agree_with_what_was_measured_and_with_the_page_about_checkpoints():
    zoo = json.loads((DOCS / "zoo.json").read_text("utf-8"))["models"]
    for name, family in families().items():
        if (
            zoo[name]["builds"] is True and name != "CodeBrain"
        ):  # its size depends on windows
            assert family.parameters == pytest.approx(zoo[name]["n_params"] / 1e6, rel=0.1)
    assert {scale_of(name) for name in models_dict} - {None} <= set(SCALES)
    assert scale_of("SignalJEPA_Contextual") == "uV"
    assert scale_of("EEGNet") is None
    fits = [
        len(one.channels["names"]) for one in families().values() if "names" in one.channels
    ]
    assert fits == [62, 128, 62]


def test_windows_that_fit_need_nothing():
    family = replace(families()["SignalJEPA"], first=None)
    mine = replace(PLAIN, sfreq=128.0)
    assert judge_family(mine, family) == _model.which.Verdict("fits")
    found = judge_family(replace(mine, unit="V"), family)
    assert (found.verdict, found.steps) == ("fits after", ("multiply by 1e+06",))


@pytest.mark.parametrize(
    ("recording", "name", "verdict", "steps"),
    [
        (PLAIN, "CBraMod", "fits after", ["scale: uV/100"]),
        (replace(PLAIN, window_s=4.3), "CBraMod", "fits after", ["crop to 4 s"]),
        (replace(PLAIN, window_s=0.5), "CBraMod", "refuses", ["windows of at least 1 s"]),
        (PLAIN, "BENDR", "fits after", ["compute SCALE", "resample to 256 Hz, empty above 100"]),
        (PLAIN, "BIOT", "fits after", ["subtract 18 pairs", "estimate 2 of 18"]),
        (PLAIN, "Labram", "fits after", []),
        (PLAIN, "EEGDINO", "fits after", ["in the order of its 19"]),
        (NET, "EEGDINO", "fits after", ["choose 19 electrodes"]),
        (NET, "BENDR", "fits after", ["estimate 18 of 19 electrodes from 129"]),
        (NET, "EEGPT", "fits after", ["estimate 61 of 62 electrodes from 129"]),
        (NET, "SignalJEPA", "loses spatial weights", ["128 of 129 electrodes have fresh"]),
        (BAND, "BENDR", "loses spatial weights", ["estimate 19 of 19 electrodes from 4"]),
        (BAND, "BIOT", "loses spatial weights", []),
        (BAND, "EEGPT", "fits after", ["leave out 2 of 4 electrodes"]),
        (BAND, "LUNA", "fits after", ["crop to 1.875 s"]),
        (BAND, "STEEGFormer", "fits after", ["its rate is not stated", "a list that is fetched"]),
        (replace(BAND, ch_names=("X1", "X2")), "ZUNA", "fits after", ["positions of 2 elec"]),
        (replace(BAND, ch_names=("X1", "X2")), "BENDR", "refuses", ["19 electrodes are absent"]),
        (replace(BAND, ch_names=("X1", "X2")), "Labram", "loses spatial weights", []),
        (BAND, "REVE", "fits after", ["agree to its terms"]),
    ],
)  # fmt: skip
def test_rules(recording, name, verdict, steps):
    found = judge_family(recording, families()[name])
    assert found.verdict == verdict
    for step in steps:
        assert any(step in one for one in found.steps), found.steps


def test_every_family_has_a_verdict_for_any_recording():
    for own in (PLAIN, NET, BAND):
        found = judge_families(own)
        assert set(found) == set(FACTS)
        assert all(isinstance(one, Family) for one in families().values())
        assert all(one.verdict == "fits" or one.steps for one in found.values())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "microvolt"}, "unit='microvolt'"),
        ({"sfreq": 0}, "sfreq=0"),
        ({"window_s": -1.0}, "window_s=-1.0"),
        ({"n_people": 0}, "n_people=0"),
        ({"ch_names": ()}, "ch_names=()"),
        ({"ch_names": "Cz"}, "ch_names='Cz'"),
        ({"ch_names": ("Cz", "cz")}, "two electrodes are called 'cz'"),
    ],
)
def test_a_recording_that_cannot_be_is_refused(change, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        replace(PLAIN, **change)


class Net(torch.nn.Module):
    """Filters over electrodes, a head; its rate is never looked at."""

    def __init__(self, n_outputs, n_chans, n_times, sfreq):
        super().__init__()
        if n_times < 50:
            raise ValueError(f"{n_times} samples are too few")
        self.body = torch.nn.Conv1d(n_chans, 3, 1)
        self.final_layer = torch.nn.Sequential(torch.nn.Linear(3, n_outputs))

    def forward(self, X):
        return self.final_layer(self.body(X).mean(-1))


class Pools(Net):
    """The head sees the electrodes."""

    def __init__(self, n_outputs, n_chans, n_times, sfreq):
        super().__init__(n_outputs, n_chans, n_times, sfreq)
        self.body = torch.nn.Identity()
        self.final_layer = torch.nn.Sequential(torch.nn.Linear(n_chans, n_outputs))


class Rate(Net):
    """Filters as long as the rate says."""

    def __init__(self, n_outputs, n_chans, n_times, sfreq):
        super().__init__(n_outputs, n_chans, n_times, sfreq)
        self.filters = torch.nn.Parameter(torch.zeros(int(sfreq)))


class Warns(Net):
    """Another rate than 200 Hz is not taken in silence."""

    def __init__(self, n_outputs, n_chans, n_times, sfreq):
        super().__init__(n_outputs, n_chans, n_times, sfreq)
        if sfreq != 200:
            import warnings

            warnings.warn(f"{sfreq} Hz", stacklevel=2)


@pytest.mark.parametrize(
    ("kind", "kept", "rate"),
    [
        (Net, "1 of 4", "silent"),
        (Pools, "all but the head", "silent"),
        (Rate, "1 of 5", "other shapes"),
        (Warns, "1 of 4", "says so"),
    ],
)
def test_a_class_is_built_here_for_another_cap_and_for_twice_the_rate(
    kind, kept, rate, monkeypatch
):
    monkeypatch.setitem(models_dict, "Planted", kind)
    found = try_class("Planted", PLAIN, CAP[:5])
    assert found == {"runs": "yes", "other cap": kept, "twice the rate": rate}
    short = try_class("Planted", replace(PLAIN, window_s=0.2), CAP[:5])
    assert short == {"runs": "ValueError: 40 samples are too few"}
    assert try_class("Planted", PLAIN, CAP)["other cap"] == "all"
