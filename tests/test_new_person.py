"""A new person: order of a session, ways without labels, and what may not look ahead."""

import dataclasses

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from mne_bids import BIDSPath, write_raw_bids

import _model.new_person as new
import _study
import _study.simulated.person
from _helpers.contracts import parse
from _helpers.pages import sibling, tutorials
from _helpers.run_example import run_example
from _model.adapt import train_layers
from _model.training import evaluate
from _score.scores import interval
from conftest import environment

choice = sibling("_model.new_person_choice")
run = sibling("_model.new_person_run")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    torch.set_num_threads(1)
    with environment(cache_dir=tmp_path_factory.mktemp("cache")):
        cohort = new.open_cohort("simulated-person")
    budget = dataclasses.replace(cohort.budget, pretrain_steps=3, n_steps=2)
    return dataclasses.replace(cohort, budget=budget)


def adapt(method, model, X, y, lr, n_steps, after_step=None):
    """The head goes on; enough for what is tested here."""
    adapted = COHORT[0].build(1)
    adapted.load_state_dict(model.state_dict())
    watch = after_step and (lambda step: after_step(adapted, step))
    steps = {"lr": lr, "n_steps": n_steps, "seed": 1}
    train_layers(adapted, X, y, ("",), watch=watch, **steps)
    return adapted


def without_labels(models, person, seen):
    (X, y), right = person.later, {}
    for method in ("scaling", "alignment"):
        own = new.apply(new.SPATIAL[method](seen), X, method)
        right[method] = evaluate(models[method], own, y)
    own = new.recompute_batch_norm(models["as recorded"], seen)
    return right | {"batch norm": evaluate(own, X, y)}


COHORT = []


@pytest.fixture(scope="module")
def results(cohort):
    COHORT[:] = [cohort]
    return run.run_everybody(cohort, adapt, without_labels)


# ------------------------------------------------------------------------------------ people


def test_everybody_is_new_once_and_never_a_source_of_their_own(cohort, results):
    everybody = sorted(s for group in cohort.groups for s in group)
    assert everybody == sorted(cohort.people) == [f"{i:02d}" for i in range(1, 13)]
    for group in cohort.groups:
        assert not set(group) & set(cohort.others(group))
    assert {len(own) for own in results.scores.values()} == {12}
    final = results.with_all(cohort)
    assert {"zero-shot", "scaling, ahead", "keep the head", "full-finetune"} <= set(final)
    assert ("full-finetune", cohort.n_own[0]) not in results.scores
    assert ("keep the head", cohort.n_own[0]) in results.scores


def test_own_windows_come_first_and_hold_every_class(cohort):
    table = cohort.study.metadata
    for subject, person in cohort.people.items():
        rows = table.index[table["subject"] == subject]
        assert torch.equal(person.y, torch.tensor(cohort.study.targets[rows]))
        for n in cohort.n_own:
            assert len(person.own(n)[1].unique()) == 4
        assert len(person.own()[0]) + len(person.later[0]) == len(person.X)
    assert not cohort.class_is_block


def write(root, order, *, fmt="EDF", sfreq=128.0, people=6):
    """Recordings of 2 s events in a given order, per run; every person has topographies of their own."""
    names = sorted({name for run in order.values() for name in run})
    for number in range(1, people + 1):
        rng = np.random.default_rng([8, number])
        places = rng.standard_normal((len(names), 8))
        for run, shown in order.items():
            signal = rng.standard_normal((len(shown), 8, int(2 * sfreq)))
            turns = 2 * np.pi * rng.normal(10, 1) * np.arange(int(2 * sfreq)) / sfreq
            for window, name in zip(signal, shown, strict=True):
                window += 0.7 * places[names.index(name)][:, None] * np.sin(turns)
            info = mne.create_info([f"A{i}" for i in range(1, 9)], sfreq, "eeg")
            raw = mne.io.RawArray(
                1e-5 * np.concatenate(signal, axis=1), info, verbose="ERROR"
            )
            raw.set_annotations(mne.Annotations(2.0 * np.arange(len(shown)), 2.0, shown))
            raw.info["line_freq"] = 50
            path = BIDSPath(subject=f"{number:02d}", task="imagery", run=run, root=root)
            path.update(datatype="eeg")
            how = {"format": fmt, "allow_preload": True, "overwrite": True}
            write_raw_bids(raw, path, **how, verbose="ERROR")
    ids = [f"sub-{number:02d}" for number in range(1, people + 1)]
    pd.DataFrame({"participant_id": ids}).to_csv(
        root / "participants.tsv", sep="\t", index=False
    )
    return root


BLOCK = ["left"] * 10, ["right"] * 10


@pytest.mark.parametrize("runs", [BLOCK, [[*BLOCK[0], *BLOCK[1]]]])
def test_blocks_of_classes_are_seen_and_take_turns(tmp_path, runs):
    order = {f"{number:02d}": shown for number, shown in enumerate(runs, 1)}
    cohort = new.open_cohort(str(write(tmp_path / "blocks", order)))
    assert cohort.class_is_block
    assert cohort.n_own == (2, 5, 10)
    for person in cohort.people.values():
        assert person.y.tolist() == [0, 1] * 10


def test_few_people_are_refused_before_a_signal_is_read(bids, monkeypatch):
    monkeypatch.setattr(_study.StudyIndex, "open", lambda *a, **k: pytest.fail("too late"))
    with pytest.raises(new.NewPersonError, match="has 3 people, too few .* 6 or more"):
        new.open_cohort(str(bids))


def test_somebody_without_a_class_is_named(tmp_path):
    order = {"01": ["left", *["right"] * 6]}
    message = (
        "sub-01 lacks 'left' among the first 1 .*smaller window_s.*EEG_TUTORIAL_RECIPE"
    )
    with pytest.raises(new.NewPersonError, match=message):
        new.open_cohort(str(write(tmp_path / "s", order)))


MOVES = ("feet", "left", "right", "tongue")


@pytest.fixture(scope="module")
def eeglab(tmp_path_factory):
    """Twelve people, two EEGLAB runs each, four classes; opened with an average reference."""
    rng = np.random.default_rng(5)
    order = {r: np.tile(MOVES, 6)[rng.permutation(24)].tolist() for r in ("01", "02")}
    root = tmp_path_factory.mktemp("eeglab") / "twelve"
    return write(root, order, fmt="EEGLAB", people=12)


def test_an_eeglab_study_of_twelve_opens_by_its_path(eeglab):
    cohort = new.open_cohort(str(eeglab))
    assert cohort.study.classes == MOVES
    assert not cohort.class_is_block
    assert [len(group) for group in cohort.groups] == [4, 4, 4]
    for person in cohort.people.values():
        assert torch.linalg.matrix_rank(new.covariance(person.X), rtol=1e-6) == 7
        assert torch.isfinite(new.alignment(person.X)).all()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["73", "78"])
def test_a_page_runs_on_the_eeglab_study_by_its_path(eeglab, page):
    (script,) = tutorials([page])
    line = parse(run_example(script, study=eeglab, timeout=1200).line)
    assert (line.data, line.chance_level) == ("twelve", 0.25)
    if page == "78":
        assert line.n_people == 12
        assert line.accuracy["keep the head"] > line.accuracy["zero-shot"]


# ----------------------------------------------------------------------------- no look ahead


def inductive(models, way):
    """What each way takes from the own windows of a person."""
    if way in ("scaling", "alignment"):
        return lambda p: new.SPATIAL[way](p.own()[0])
    if way == "batch norm":
        model = models["as recorded"]
        return lambda p: new.recompute_batch_norm(model, p.own()[0]).state_dict()
    return lambda p: adapt(way, models["as recorded"], *p.own(), 1e-2, 2).state_dict()


@pytest.mark.parametrize("way", ["scaling", "alignment", "batch norm", "keep the head"])
def test_later_windows_change_no_inductive_byte(cohort, results, way):
    subject, person = next(iter(cohort.people.items()))
    calibrate = inductive(results.models[subject], way)
    assert not new.uses_later_windows(calibrate, person)
    # One window too many is a look ahead, and is caught.
    one_more = dataclasses.replace(person, n_own=person.n_own + 1)
    planted = {
        "scaling": lambda p: new.scaling(p.own(p.n_own + 1)[0]),
        "alignment": lambda p: new.alignment(p.X),
    }.get(way, lambda p: calibrate(new.Person(p.X, p.y, one_more.n_own)))
    assert new.uses_later_windows(planted, person)


def test_scores_of_inductive_ways_use_nothing_later(cohort, results):
    """The whole of it: other later windows leave every answer to a kept window as it was."""
    subject, person = next(iter(cohort.people.items()))
    changed = person.X.clone()
    changed[person.n_own + 4 :] *= 7.0
    other = new.Person(changed, person.y, person.n_own)
    models, seen = results.models[subject], person.own()[0]
    one = without_labels(models, person, seen)
    two = without_labels(models, other, other.own()[0])
    ahead = new.recompute_batch_norm(models["as recorded"], other.X).state_dict()
    now = new.recompute_batch_norm(models["as recorded"], person.X).state_dict()
    for way in one:
        assert (one[way][:4] == two[way][:4]).all()
    assert any(not torch.equal(ahead[name], now[name]) for name in ahead)


# ---------------------------------------------------------------------------- ways themselves


def test_alignment_makes_the_mean_covariance_the_identity(cohort):
    X = cohort.people["03"].X
    aligned = new.apply(new.alignment(X), X)
    assert torch.allclose(new.covariance(aligned), torch.eye(8).double(), atol=1e-4)
    scaled = new.apply(new.scaling(X), X)
    assert torch.allclose(scaled.std(dim=(0, 2)), torch.ones(8), atol=1e-4)


def test_after_an_average_reference_it_whitens_what_is_there(cohort):
    X = cohort.people["03"].X.double()
    X = X - X.mean(dim=1, keepdim=True)
    matrix = new.alignment(X)
    assert torch.isfinite(matrix).all()
    values = torch.linalg.eigvalsh(new.covariance(new.apply(matrix, X)))
    assert torch.allclose(values[1:], torch.ones(7).double(), atol=1e-4)
    assert values[0] < 1e-6
    flat = X.clone()
    flat[:, 2] = 0
    assert torch.isfinite(new.scaling(flat)).all()


def test_windows_that_are_not_finite_are_refused_by_name(cohort):
    X = cohort.people["03"].X[:5]
    broken = torch.full((8, 8), torch.nan)
    with pytest.raises(
        new.NewPersonError, match=r"5 of 5 windows are not finite after C \*\* -0.5"
    ):
        new.apply(broken, X, "C ** -0.5")


def test_batch_norm_is_recomputed_and_nothing_else_moves(cohort, results):
    model = results.models["01"]["as recorded"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = cohort.people["01"].own()[0]
    own = new.recompute_batch_norm(model, seen)
    assert all(torch.equal(before[name], v) for name, v in model.state_dict().items())
    moved = {n for n, v in own.state_dict().items() if not torch.equal(before[n], v)}
    assert {name.split(".")[-1] for name in moved} <= {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    with pytest.raises(new.NewPersonError, match="Linear has no batch normalisation"):
        new.recompute_batch_norm(torch.nn.Linear(2, 2), seen)


def test_balanced_accuracy_puts_guessing_at_chance():
    y = torch.tensor([0] * 9 + [1] * 3 + [2] * 4)
    assert new.balanced_accuracy((y == 0).numpy(), y) == pytest.approx(1 / 3)


def test_choices_touch_no_window_of_the_new_people(cohort):
    COHORT[:] = [cohort]
    group = cohort.groups[1]
    gone = {s: p for s, p in cohort.people.items() if s not in group}
    only = dataclasses.replace(cohort, people=gone)
    one = choice.choose(cohort, group, adapt, without_labels)
    assert one == choice.choose(only, group, adapt, without_labels)


def test_a_start_from_other_people_is_chosen_among_these(cohort, monkeypatch):
    COHORT[:] = [cohort]

    def ridge(method, model, person, *_):
        return np.full(len(person.later[1]), method == "band power")

    monkeypatch.setattr(choice, "ridge", ridge)
    one = choice.choose(cohort, cohort.groups[0], adapt, without_labels)
    assert one.with_labels == "band power"
    starts = {"linear-probe", "full-finetune", "keep the head"}
    most = max(one.n_correct[method] for method in starts)
    assert one.pretrained in starts
    assert one.n_correct[one.pretrained] == most


def test_controls_shuffle_labels_and_exchange_people(cohort, results):
    seen = []

    def spy(method, model, X, y, lr, n_steps, after_step=None):
        seen.append((X, y))
        return model

    found = run.run_controls(cohort, results, spy)
    assert set(found) == {"shuffled labels", "another person"}
    person, other = (cohort.people[s] for s in (cohort.groups[0][0], cohort.groups[0][-1]))
    (X, mixed), (X_other, y_other) = seen[:2]
    assert torch.equal(X, person.own()[0])
    assert not torch.equal(mixed, person.own()[1])
    assert torch.equal(mixed.sort().values, person.own()[1].sort().values)
    assert torch.equal(X_other, other.own()[0])
    assert torch.equal(y_other, other.own()[1])


# -------------------------------------------------------------------------------- simulation


def test_without_shift_people_differ_in_noise_only():
    rms = {}
    for shift in (0.0, 1.0):
        people = list(_study.simulated.person.simulate_people(shift=shift, n_subjects=6))
        covariances = [np.cov(np.concatenate(list(w), axis=1)) for w, _ in people]
        logs = np.log([np.diag(c) for c in covariances])
        rms[shift] = logs.std(axis=0).mean()
    assert rms[0.0] < 0.1 < rms[1.0]
    windows, labels = people[0]
    assert windows.shape == (64, 8, 128)
    assert set(np.bincount(labels[:8])) == {2}


def test_the_shift_is_in_the_name_of_the_study(tmp_path):
    with environment(cache_dir=tmp_path):
        found = _study.find_study("simulated-person-3")
        assert found.open(["02"]).effect == 1.0
        null = found.without_effect()
        assert null.root.name == "simulated-person-3-effect0"
        assert null.open(["02"]).effect == 0.0


def test_an_interval_of_a_gain_is_over_people(results, cohort):
    final = results.with_all(cohort)
    low, high = interval(final["keep the head"] - final["zero-shot"])
    assert low <= high
