"""The signal model: what it plants, and that streams do not touch."""

import numpy as np
import pytest

from _study.catalogue import (
    HYDROCEL,
    PFACTOR_SFREQ,
    RECIPES,
    TRANSFER_SFREQ,
    USUAL_EFFECT,
    parse_simulated,
)
from _study.simulated.signals import (
    pink_noise,
    simulate_high_density,
    simulate_pfactor,
    simulate_transfer,
    simulate_transfer_subject,
    simulate_two_task_subject,
)
from _study.simulated.write import SOURCES, STUDIES


def band_power(windows, low, high):
    freqs = np.fft.rfftfreq(windows.shape[-1], 1 / TRANSFER_SFREQ)
    power = np.abs(np.fft.rfft(windows, axis=-1)) ** 2
    return power[..., (freqs >= low) & (freqs <= high)].sum(axis=-1)


def test_shapes_types_and_balance():
    windows, labels = simulate_transfer_subject(np.random.default_rng(0), 40)
    assert (windows.shape, windows.dtype, labels.dtype) == (
        (40, 8, 256),
        np.float32,
        np.int64,
    )
    assert labels.sum() == 20


@pytest.mark.parametrize("n_windows", [0, 7, -2])
def test_windows_that_cannot_be_balanced(n_windows):
    with pytest.raises(ValueError, match=f"n_windows={n_windows} cannot be balanced"):
        simulate_transfer_subject(np.random.default_rng(0), n_windows)


def test_label_decides_the_rhythm_and_distractors_do_not():
    clean, labels = simulate_transfer_subject(
        np.random.default_rng(1), 200, snr=2.0, distractor=0.0
    )
    ratio = np.log(band_power(clean, 8, 13).sum(1) / band_power(clean, 1.5, 4).sum(1))
    assert ratio[labels == 1].min() > ratio[labels == 0].max()
    # With distractors alone (no background to speak of) the label says nothing about the ratio.
    noisy, labels = simulate_transfer_subject(
        np.random.default_rng(1), 400, snr=1e-3, distractor=2e3
    )
    ratio = np.log(band_power(noisy, 8, 13).sum(1) / band_power(noisy, 1.5, 4).sum(1))
    assert abs(np.corrcoef(ratio, labels)[0, 1]) < 0.15


def test_alpha_moves_with_the_domain_shift():
    def peak(shift):
        kwargs = {"snr": 3.0, "distractor": 0.0, "freq_shift": shift}
        windows, labels = simulate_transfer_subject(np.random.default_rng(2), 40, **kwargs)
        power = (np.abs(np.fft.rfft(windows[labels == 1], axis=-1)) ** 2).sum(axis=(0, 1))
        return np.fft.rfftfreq(256, 1 / TRANSFER_SFREQ)[power.argmax()]

    assert peak(3.0) - peak(0.0) == pytest.approx(3.0, abs=0.5)


def test_cohorts_and_people_never_share_noise():
    people = [
        windows[:12].ravel() for _, windows, _ in simulate_transfer(n_source=3, n_target=3)
    ]
    r = np.corrcoef(people)
    assert np.abs(r[~np.eye(6, dtype=bool)]).max() < 0.1


def test_same_seed_same_bytes_other_seed_other_bytes():
    def first(seed):
        return next(simulate_transfer(seed))[1].tobytes()

    assert first(0) == first(0) != first(1)


def test_adding_people_leaves_the_others_alone():
    few = [windows for _, windows, _ in simulate_transfer(n_source=2, n_target=1)]
    more = [windows for _, windows, _ in simulate_transfer(n_source=4, n_target=2)]
    np.testing.assert_array_equal(few[1], more[1])
    np.testing.assert_array_equal(few[2], more[4])


@pytest.mark.parametrize("slope", [0.8, 1.4])
def test_noise_has_the_slope_it_was_asked_for(slope):
    noise = pink_noise(np.random.default_rng(0), (400, 1024), 128.0, slope)
    np.testing.assert_allclose(noise.std(axis=-1), 1, atol=1e-6)
    freqs = np.fft.rfftfreq(1024, 1 / 128)[8:-8]
    power = (np.abs(np.fft.rfft(noise, axis=-1)) ** 2).mean(axis=0)[8:-8]
    assert -np.polyfit(np.log(freqs), np.log(power), 1)[0] == pytest.approx(slope, abs=0.05)


def people(**kwargs):
    persons, windows = zip(*simulate_pfactor(3, n_subjects=30, **kwargs), strict=True)
    return np.array([p["p_factor"] for p in persons]), np.stack(windows)


def log_alpha(windows, channel):
    freqs = np.fft.rfftfreq(windows.shape[-1], 1 / PFACTOR_SFREQ)
    power = np.abs(np.fft.rfft(windows[:, :, HYDROCEL.index(channel)])) ** 2
    return np.log(power[..., (freqs >= 8) & (freqs <= 13)].sum(axis=-1)).mean(axis=1)


def test_the_score_is_in_the_alpha_of_two_electrodes_and_nowhere_else():
    score, strong = people(effect=1.5)
    for channel in ("Cz", "E62"):
        assert np.corrcoef(score, log_alpha(strong[:, :15], channel))[0, 1] > 0.8
    far = [c for c in HYDROCEL if c not in ("Cz", "E62")]
    assert max(abs(np.corrcoef(score, log_alpha(strong, c))[0, 1]) for c in far) < 0.5


def test_people_differ_between_effects_in_nothing_but_the_effect():
    score, planted = people(effect=0.5)
    null_score, null = people(effect=0.0)
    np.testing.assert_array_equal(score, null_score)
    same = [c not in ("Cz", "E62") for c in HYDROCEL]
    np.testing.assert_array_equal(planted[:, :, same], null[:, :, same])
    assert not np.allclose(planted, null)


def test_closing_the_eyes_adds_alpha_at_the_back():
    _, windows = people()
    opened, closed = windows[:, :15], windows[:, 15:]
    assert (log_alpha(closed, "E75") > log_alpha(opened, "E75")).mean() > 0.9
    assert abs(log_alpha(closed, "E11") - log_alpha(opened, "E11")).mean() < 0.3


def test_phase_is_random():
    _, windows = people(effect=0.5)
    mean = windows[:, :15, HYDROCEL.index("Cz")].reshape(-1, 200).mean(axis=0)
    assert mean.std() < 0.2 * windows[:, :15, HYDROCEL.index("Cz")].std()


def test_three_tasks_of_one_person():
    tasks = simulate_two_task_subject(np.random.default_rng(0), 200, 200, 200, depth=1.0)
    for task, (windows, labels, reaction_times) in tasks.items():
        assert (windows.shape, windows.dtype, labels.sum()) == (
            (200, 8, 200),
            np.float32,
            100,
        )
        assert np.isfinite(reaction_times).all() == (task == "contrastChangeDetection")

    def alpha(task, channel):
        windows = tasks[task][0][None]
        return np.array([log_alpha(windows[:, i : i + 1], channel)[0] for i in range(200)])

    labels = tasks["RestingState"][1]
    for channel in ("E52", "E92"):  # eyes closed: more alpha on both sides
        power = alpha("RestingState", channel)
        assert power[labels == 1].mean() > power[labels == 0].mean() + 0.5
    _, labels, times = tasks["contrastChangeDetection"]
    left, right = (alpha("contrastChangeDetection", c) for c in ("E52", "E92"))
    side = left - right  # attention to the left (0) leaves alpha on the left
    assert side[labels == 0].mean() > side[labels == 1].mean() + 0.5
    assert np.corrcoef(left + right, np.log(times))[0, 1] > 0.3
    labels = tasks["flicker"][1]
    power = alpha("flicker", "E75")
    assert abs(power[labels == 1].mean() - power[labels == 0].mean()) < 0.3


@pytest.mark.parametrize("name", ["n_rest", "n_trials", "n_flicker"])
def test_tasks_that_cannot_be_balanced(name):
    with pytest.raises(ValueError, match=f"{name}=7 cannot be balanced"):
        simulate_two_task_subject(np.random.default_rng(0), **{name: 7})


def test_the_digest_of_the_writers_covers_what_decides_the_bytes():
    names = {path.name for path in SOURCES}
    assert names == {"__init__.py", "catalogue.py", "person.py", "signals.py", "write.py"}


def test_every_simulated_study_has_a_recipe_and_a_writer():
    assert set(STUDIES) == {name for name in RECIPES if name.startswith("simulated-")}
    for kind in STUDIES:
        assert parse_simulated(kind) == (kind, None, USUAL_EFFECT.get(kind))
    assert parse_simulated("simulated-person-3-effect0.5") == ("simulated-person", 3, 0.5)


def test_high_density_is_recorded_against_its_reference():
    rng = np.random.default_rng(0)
    places = rng.standard_normal((20, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    blocks = [(2, "open"), (2, "closed")]
    recorded, truth = simulate_high_density(rng, places, blocks, sfreq=200.0)
    assert recorded.shape == truth.shape == (20, 800)
    assert not recorded[-1].any()
    np.testing.assert_allclose(recorded, truth - truth[-1])
    average = truth - truth.mean(axis=0)
    np.testing.assert_allclose(recorded - recorded.mean(axis=0), average, atol=1e-9)
