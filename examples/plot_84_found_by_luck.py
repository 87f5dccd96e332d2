"""
Could anyone have won?
======================

Many runs are scored on the same people, and the best one is looked at. How good does it
look if no run found anything? And how many people does a faint score need?

.. admonition:: What you will be able to do
   :class: tip

   - say what the best of many useless runs scores, before looking at your own best;
   - count how many independent runs a leaderboard is worth;
   - say how many people a faint correlation needs.

You need: :doc:`band power and its null </auto_examples/plot_80_pfactor_features>`,
scikit-learn.

Background: :doc:`/concepts/leakage_and_evaluation`.

Tags: :tag:`p-factor`, :tag:`regression`, :tag:`leakage`
"""

# %%
# A leaderboard of nothing
# ------------------------
import json
import os
from bisect import bisect_right

import numpy as np

import _runtime
import _score.luck
import _study
from _luck_figure import draw_luck_figure
from _score.features import log_band_power
from _score.person import score_people
from _score.scores import for_json, per_subject
from _score.splits import assert_no_leakage

# %%
# These numbers are settings of this page: change them to those of your leaderboard. They
# are guesses, of a size that a public challenge can have.
_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")
PEOPLE, FEWER = 300, 132
RUNS = [183, 1183, 8622]
SIZES = 0.05, 0.19
print(f"{PEOPLE} or {FEWER} test people; {RUNS} runs; noise of {SIZES} SD of the score")

# %%
# The EEG Foundation Challenge of 2025 :cite:p:`aristimunha2025challenge` scored a factor
# called ``externalizing``. Nothing here is computed from its results, and nothing here says
# that a team was lucky.
#
# A network that finds nothing still predicts something: nearly the mean, with a little
# noise. Its correlation over *n* people is noise as well, and its Fisher *z* is close to
# normal with standard deviation 1 / sqrt(n - 3). The best of *k* runs is below a value if
# all *k* are. This gives the expected best in closed form. *nRMSE* is the error in standard
# deviations of the score. The mean alone has nRMSE 1, and lower is better.
#
# How large is the best r of all these runs? Predict, then run.
best_r = {}
best_nrmse = {}
for n in (PEOPLE, FEWER):
    best_r[n] = _score.luck.expected_best_r(n, RUNS)
    best_nrmse[n] = _score.luck.expected_best_nrmse(n, RUNS, SIZES)
    for k, r, error in zip(RUNS, best_r[n], best_nrmse[n], strict=True):
        print(f"{n} people, best of {k:>5,}  r {r:.2f}  nRMSE {error:.3f}")

# %%
# Does the formula hold?
# ----------------------
# Simulate it: each board has new people and new runs, and a run is noise of its own size.
N_BOARDS = 200
rng = np.random.default_rng(0)


def best_of_board(n_people, n_runs):
    """Largest r and smallest nRMSE of one leaderboard of noise."""
    score = rng.standard_normal(n_people, np.float32)
    score = (score - score.mean()) / score.std()
    noise = rng.standard_normal((n_runs, n_people), np.float32)
    predicted = noise * rng.uniform(*SIZES, (n_runs, 1)).astype(np.float32)
    error = np.sqrt(((predicted - score) ** 2).mean(axis=1))
    covariance = (noise - noise.mean(axis=1, keepdims=True)) @ score / n_people
    return (covariance / noise.std(axis=1)).max(), error.min()


# %%
simulated_r = {}
off = {}
for k in (20, RUNS[0]):
    boards = [best_of_board(PEOPLE, k) for _ in range(N_BOARDS)]
    simulated_r[k], simulated_nrmse = np.mean(boards, axis=0)
    formula = _score.luck.expected_best_r(PEOPLE, k)
    off[k] = simulated_r[k] / formula - 1
    print(f"best of {k:>3}: r {simulated_r[k]:.4f}, formula {formula:.4f} ({off[k]:+.1%})")
    formula = _score.luck.expected_best_nrmse(PEOPLE, k, SIZES)
    print(f"{'':14}nRMSE {simulated_nrmse:.4f}, formula {formula:.4f}")

# %%
# How many people does a faint score need?
# ----------------------------------------
# Two questions. How many people does *one* planned test need, to find a true r in 80 of 100
# studies at p < .05? And how many before the best of many useless runs stays below that r?
FAINT = [0.05, 0.137, 0.3]
TRIED = range(10, 20_001)
needed = {}
above_luck = {}
for r in FAINT:
    needed[str(r)] = _score.luck.people_needed(r)
    enough = bisect_right(TRIED, -r, key=lambda n: -_score.luck.expected_best_r(n, RUNS[1]))
    above_luck[str(r)] = TRIED[enough]  # the best falls with the number of people
    print(f"true r {r:<6}{needed[str(r)]:>6,} people to find it in one planned test;")
    print(f"{'':13}{above_luck[str(r)]:>6,} before the best of {RUNS[1]:,} is below it")

# %%
# The null of band power, many times
# ----------------------------------
# Is a real pipeline like noise? Here are the **simulated** people of the feature page, in
# the study without an effect. Features are computed once. Then scores are exchanged between
# people, and ridge is trained again.
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

RECIPE = _study.get_recipe(STUDY)
cohort = _study.find_study(STUDY, column=RECIPE.subject_target, on_missing="drop")
sides = train_test_split(cohort.people.index, test_size=RECIPE.n_hold_out, random_state=0)
null = cohort.without_effect()
train, test = (null.open(side) for side in sides)
report = assert_no_leakage(train.metadata, test.metadata)

# %%
# Features and scores of a person are means over that person's windows.
X_train, X_test = (
    per_subject(log_band_power(side.windows, side.sfreq), side.metadata["subject"])
    for side in (train, test)
)
scores = [per_subject(side.targets, side.metadata["subject"]) for side in (train, test)]

# %%
# :class:`~sklearn.linear_model.RidgeCV` trains one model per column of the scores, each
# with a penalty of its own, so all runs take one call.
N_NULLS = 2000
N_RUNS = 200
SOME_RUNS = (5, 20, 50, 200)
n_test = report["n_test"]
all_scores = np.concatenate(scores)
exchanged = np.array([rng.permutation(all_scores) for _ in range(N_NULLS)]).T
scaler = StandardScaler().fit(X_train)
ridge = RidgeCV(np.logspace(-2, 3, 15), alpha_per_target=True)

# %%
# Two steps are taken again and again: train and predict, and correlate.


def predict(training_scores):
    """Predictions for the test people, a column for each column of scores."""
    ridge.fit(scaler.transform(X_train), training_scores)
    return ridge.predict(scaler.transform(X_test))


def correlate(predicted, true):
    """Correlate each column of predictions with each column of true scores."""
    n_predicted = predicted.shape[1]
    return np.corrcoef(predicted, true, rowvar=False)[:n_predicted, n_predicted:]


# %%
# First way: every run has its own exchange of *all* scores, as if each were a study of its
# own. Its r and the formula for so many test people:
null_r = np.diag(correlate(predict(exchanged[:-n_test]), exchanged[-n_test:]))
count = np.arange(1, N_RUNS + 1)
best_null = _score.luck.best_of_some(null_r, N_RUNS)
formula = _score.luck.expected_best_r(n_test, count)
print(f"{N_NULLS:,} nulls; the formula assumes normal values, which scores need not have")
for k in SOME_RUNS:
    both = f"null {best_null[k - 1]:+.2f}  formula {formula[k - 1]:+.2f}"
    print(f"{f'best of {k}':<12}{both}")

# %%
# Runs of one leaderboard resemble each other
# -------------------------------------------
# Second way, as on a leaderboard: the test people keep one list of scores, and only
# training differs. All runs see the same features, so their predictions are correlated. The
# **effective number** is how many independent runs would have the same expected best.
runs = predict(np.array([rng.permutation(scores[0]) for _ in range(N_RUNS)]).T)
truths = np.array([rng.permutation(scores[1]) for _ in range(N_BOARDS)]).T
board_r = correlate(runs, truths)
best_board = _score.luck.best_of_some(board_r.T, N_RUNS).mean(axis=0)
effective = _score.luck.independent_runs(best_board[-1], n_test)
alike = np.corrcoef(runs, rowvar=False)[np.triu_indices(N_RUNS, 1)]
print(f"two runs have a correlation of {np.abs(alike).mean():.2f} in size, on average")
print(f"best of {N_RUNS}: {best_board[-1]:.2f}, if independent {formula[-1]:.2f}")
print(f"{N_RUNS} runs are worth {effective:.0f} independent ones")

# %%
# The formula is for independent runs. Submissions of one challenge share data, starter code
# and ideas, so theirs can reach less. How much less can only be found from their
# predictions.
n_runs = np.geomspace(1, RUNS[-1], 40)
curves = {}
for n in (n_test, FEWER, PEOPLE):
    curves[n] = (n_runs, _score.luck.expected_best_r(n, n_runs))
nulls = {
    "formula": (count, formula),
    "all scores exchanged": (count, best_null),
    "one leaderboard": (count, best_board),
}

# %%
figure = draw_luck_figure(
    curves,
    list(simulated_r.items()),
    nulls,
    title="What the best of many runs reaches by luck",
    subtitle=f"nobody found anything; B: {n_test} test people, ridge on band power",
    provenance=f"data: noise, and {train.data}",
    alt="Two panels of the best r against the number of runs, on a log axis; every curve "
    f"rises. Expected best r of {N_RUNS} runs: formula {formula[-1]:.2f}, one leaderboard "
    f"{best_board[-1]:.2f}.",
)

# %%
# A common mistake: the winner tested as if it were alone
# -------------------------------------------------------
# Take one board, keep its best run, and report the p of that run.
winner = int(board_r[:, 0].argmax())
alone = score_people(truths[:, 0], runs[:, winner], baseline=scores[0].mean())
low, high = alone["r_ci"]
print(f"the winner: r {alone['pearson_r']:+.2f} [{low:+.2f}, {high:+.2f}]")
print(f"p {alone['permutation_p']:.4f}, as if it were the only run")

# %%
# The test is right for a run that was chosen before looking. The recovery is to exchange
# the test scores and to take the best of *all* runs every time. This keeps the way in which
# runs resemble each other.
best_of_nulls = board_r[:, 1:].max(axis=0)
as_good = int(np.sum(best_of_nulls >= alone["pearson_r"]))
winner_p = (1 + as_good) / (1 + len(best_of_nulls))
print(
    f"{as_good} of {len(best_of_nulls)} null boards have a winner as good: p {winner_p:.2f}"
)

# %%
# Exercise: your own search
# -------------------------
# You tried 5 networks, 4 learning rates and 3 seeds, and kept the best on 16, 40 or 132
# people. Which r is luck? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: your own search</summary>
for n in (16, 40, 132):
    r = _score.luck.expected_best_r(n, 5 * 4 * 3)
    print(f"{n:>4} people: the best of {5 * 4 * 3} useless runs has r {r:.2f}")

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# A best score is compared with the best of as many null runs, on as many people, and not
# with zero. Few people make both the score and luck large :cite:p:`varoquaux2018cv`. The p
# of the recovery says how often luck alone goes as high. A large one does not show that the
# winner found nothing: these people cannot tell. The way out is people nobody has looked
# at.
luck = {
    "n_people": [PEOPLE, FEWER],
    "n_runs": RUNS,
    "best_r": [best_r[PEOPLE], best_r[FEWER]],
    "best_nrmse": [best_nrmse[PEOPLE], best_nrmse[FEWER]],
    "simulation_off": {str(k): part for k, part in off.items()},
    "people_needed": needed,
    "people_above_luck": above_luck,
}
split = {
    "n_train_subjects": report["n_train"],
    "n_test_subjects": n_test,
    "subject_overlap": report["overlap"],
}

# %%
board = {
    "n_nulls": N_NULLS,
    "n_board_runs": N_RUNS,
    "formula_r": {str(k): formula[k - 1] for k in SOME_RUNS},
    "null_r": {str(k): best_null[k - 1] for k in SOME_RUNS},
    "board_r": {str(k): best_board[k - 1] for k in SOME_RUNS},
    "effective_runs": effective,
    "runs_alike": np.abs(alike).mean(),
}

# %%
contract = {
    "tutorial": "plot_84",
    "version": 1,
    "data": train.data,
    "effect": train.effect,
    **luck,
    **split,
    **board,
    "winner_p_alone": alone["permutation_p"],
    "winner_p": winner_p,
}
contract = for_json(contract)
print(json.dumps(contract))
