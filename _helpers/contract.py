"""The JSON line that ends every tutorial: its schema, and a parser that says what is wrong."""

import json
import math
from typing import Annotated, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)


class ContractError(ValueError):
    """The output of a tutorial does not keep its promise; the message says how."""


Fraction = Annotated[float, Field(ge=0, le=1)]
Difference = Annotated[float, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]
Regime = Literal["from-scratch", "linear-probe", "full-finetune"]
Feature = Literal["encoder", "band power"]
LabelSource = Literal["source people", "labelled people", "own windows"]
ROUNDING = (
    1.01e-4  # values carry four decimals; a difference of two may be off by one in the last
)


def _ordered(name, interval):
    low, high = interval
    if low > high:
        raise ValueError(f"{name} is [{low}, {high}]: the lower end is above the upper end")


def _holds(name, interval, estimate, called=""):
    _ordered(name, interval)
    if not interval[0] - ROUNDING <= estimate <= interval[1] + ROUNDING:
        raise ValueError(f"{name} {list(interval)} does not contain {called}{estimate}")


class Contract(BaseModel):
    """What every tutorial says."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    tutorial: str = Field(description="short name of the page, e.g. plot_73")
    version: int = Field(ge=1, description="raised when the meaning of a key changes")
    data: str = Field(min_length=1, description='"simulated", or the name of the dataset')

    #: How far a number may lie from the reference on another machine, by the first part of its key,
    #: where the usual band does not fit.
    bands: ClassVar[dict[str, float]] = {}

    @classmethod
    def band(cls, key, reference):
        """Distance that a decimal number may have from the reference on another machine.

        Parameters
        ----------
        key : str
            Key in the line, with dots for what is inside, e.g. ``"accuracy.linear-probe"``.
        reference : float
            The accepted value.

        Returns
        -------
        float
            0.05, and 2 % of the reference where that is more; or what the schema says.
        """
        return cls.bands.get(key.split(".")[0], max(0.05, 0.02 * abs(reference)))


class Gap(BaseModel):
    """A difference in accuracy, taken within test people."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    mean: Difference = Field(description="mean difference in accuracy over people")
    ci: Annotated[tuple[Difference, Difference], Field(strict=False)] = Field(
        description="95 % bootstrap interval over people"
    )


class Paired(Gap):
    """A difference with its test."""

    p: float = Field(gt=0, le=1, description="two-sided sign-flip permutation test")


class FinetuneContract(Contract):
    """plot_73: three ways to adapt a pretrained encoder."""

    bands = {"lr": 0.0, "frozen_running_var": 0.0}

    tutorial: Literal["plot_73"]
    pretrain_task: str = Field(description="what the encoder was pretrained to tell apart")
    target_task: str = Field(description="what it is adapted to")
    n_train_subjects: int = Field(ge=1, description="labelled target people")
    n_val_subjects: int = Field(
        ge=1, description="people who choose learning rate and regime"
    )
    n_test_subjects: int = Field(ge=2, description="people looked at once")
    best_regime: Regime = Field(description="highest validation accuracy")
    best_accuracy: Fraction = Field(
        description="test accuracy of best_regime, mean over people"
    )
    chance_level: Fraction = Field(
        description="accuracy of guessing, by design of the classes"
    )
    gap_vs_chance: Difference = Field(description="best_accuracy - chance_level")
    gap_vs_scratch: Difference = Field(
        description="best_accuracy - accuracy of from-scratch"
    )
    gap_vs_scratch_ci: tuple[Difference, Difference] = Field(
        strict=False,
        description="95 % bootstrap interval of gap_vs_scratch, paired within test people",
    )
    trainable_params: dict[Regime, Count] = Field(
        description="parameters that learn, per regime"
    )
    total_params: int = Field(ge=1, description="parameters of the network")
    accuracy: dict[Regime, Fraction] = Field(
        description="test accuracy per regime, mean over people"
    )
    accuracy_ci: dict[Regime, Annotated[tuple[Fraction, Fraction], Field(strict=False)]] = (
        Field(description="95 % bootstrap interval over test people, per regime")
    )
    lr: dict[Regime, Annotated[float, Field(gt=0)]] = Field(
        description="learning rate chosen on validation people"
    )
    chance_interval: tuple[Fraction, Fraction] = Field(
        strict=False, description="95 % of scores by guessing on that many windows"
    )
    budgets: dict[
        Regime, dict[str, Annotated[tuple[Fraction, ...], Field(strict=False)]]
    ] = Field(
        description="labelled people -> mean accuracy, low, high (95 % interval over people)"
    )
    paired: dict[str, Paired] = Field(description='"one - other" -> paired difference')
    controls: dict[str, Fraction] = Field(description="test accuracy of each control")
    controls_ci: (
        dict[str, Annotated[tuple[Fraction, Fraction], Field(strict=False)]] | None
    ) = Field(
        None,
        description="95 % bootstrap interval over test people, per control (from version 3 on, like "
        "the keys that follow down to n_steps)",
    )
    controls_over_scratch: dict[str, Gap] | None = Field(
        None, description="control minus from-scratch, within test people"
    )
    labels_from: dict[Feature, dict[LabelSource, Fraction]] | None = Field(
        None,
        description="accuracy on the later windows of test people, by whose labels a logistic "
        "regression learned from",
    )
    labels_from_ci: (
        dict[
            Feature,
            dict[LabelSource, Annotated[tuple[Fraction, Fraction], Field(strict=False)]],
        ]
        | None
    ) = Field(None, description="95 % bootstrap interval over test people")
    own_gain: dict[Feature, Paired] | None = Field(
        None, description="own windows minus labelled people, within test people"
    )
    n_source_subjects: int | None = Field(
        None, ge=1, description="people the encoder was pretrained on"
    )
    n_windows: dict[str, Count] | None = Field(
        None, description="windows of each group of people"
    )
    n_steps: dict[Literal["pretraining", "regime"], Count] | None = Field(
        None, description="training steps"
    )
    gflop: dict[str, Annotated[float, Field(gt=0)]] = Field(
        description="1e9 floating-point operations to train, per regime and for pretraining"
    )
    naive_running_var: float = Field(
        gt=0, description="running variance after a naive probe, as a multiple of its start"
    )
    frozen_running_var: float = Field(
        description="the same after a frozen probe: exactly 1"
    )
    frozen_state_unchanged: bool = Field(
        description="the probe's encoder is bit-identical before and after"
    )
    subject_overlap: int = Field(ge=0, description="people on both sides of any split")

    @field_validator("subject_overlap")
    @classmethod
    def _nobody_on_both_sides(cls, value):
        if value:
            raise ValueError(f"{value} people are on both sides of a split")
        return value

    @field_validator("frozen_state_unchanged")
    @classmethod
    def _frozen_is_frozen(cls, value):
        if not value:
            raise ValueError("the linear probe changed its encoder")
        return value

    @model_validator(mode="after")
    def _numbers_agree(self):
        regimes = set(Regime.__args__)
        for name in ("trainable_params", "accuracy", "accuracy_ci", "lr"):
            if set(getattr(self, name)) != regimes:
                raise ValueError(
                    f"{name} has {sorted(getattr(self, name))}, expected {sorted(regimes)}"
                )
        pairs = {
            "best_accuracy and accuracy[best_regime]": (
                self.best_accuracy,
                self.accuracy[self.best_regime],
            ),
            "gap_vs_chance and best_accuracy - chance_level": (
                self.gap_vs_chance,
                self.best_accuracy - self.chance_level,
            ),
            "gap_vs_scratch and best_accuracy - accuracy[from-scratch]": (
                self.gap_vs_scratch,
                self.best_accuracy - self.accuracy["from-scratch"],
            ),
        }
        for name, (a, b) in pairs.items():
            if not math.isclose(a, b, abs_tol=ROUNDING):
                raise ValueError(f"{name} disagree: {a:.4f} and {b:.4f}")
        intervals = {
            f"accuracy_ci[{r}]": (self.accuracy[r], ci)
            for r, ci in self.accuracy_ci.items()
        }
        intervals["gap_vs_scratch_ci"] = (self.gap_vs_scratch, self.gap_vs_scratch_ci)
        for name, (estimate, interval) in intervals.items():
            _holds(name, interval, estimate, "its estimate ")
        for regime, count in self.trainable_params.items():
            if count > self.total_params:
                raise ValueError(
                    f"{regime} trains {count} of {self.total_params} parameters"
                )
            if (count == self.total_params) != (regime != "linear-probe"):
                raise ValueError(
                    f"{regime} trains {count} of {self.total_params}: only the probe freezes anything"
                )
        self._check_budgets_and_pairs()
        if self.frozen_running_var != 1.0:
            raise ValueError(f"frozen_running_var is {self.frozen_running_var}: it moved")
        if set(self.gflop) != regimes | {"pretraining, once"}:
            raise ValueError(f"gflop has {sorted(self.gflop)}")
        missing = {
            "zero-shot",
            "shuffled pretraining",
            "random frozen encoder",
            "band power",
        }
        if missing := missing - set(self.controls):
            raise ValueError(f"controls lack {sorted(missing)}")
        if self.version >= 3:
            self._check_version_3()
        return self

    def _check_version_3(self):
        controls = ("controls_ci", "controls_over_scratch")
        labels = ("labels_from", "labels_from_ci", "own_gain")
        for name in (*controls, *labels, "n_source_subjects", "n_windows", "n_steps"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing, and version {self.version} has it")
        for name in controls:
            if set(getattr(self, name)) != set(self.controls):
                raise ValueError(f"{name} has {sorted(getattr(self, name))}")
        for name, value in self.controls.items():
            _holds(f"controls_ci[{name}]", self.controls_ci[name], value, "its mean ")
            gain, over = (
                value - self.accuracy["from-scratch"],
                self.controls_over_scratch[name],
            )
            if not math.isclose(over.mean, gain, abs_tol=ROUNDING):
                raise ValueError(
                    f"controls_over_scratch[{name}] disagree: {over.mean} and {gain:.4f}"
                )
            _holds(f"controls_over_scratch[{name}]:", over.ci, over.mean)
        for name in ("labels_from", "labels_from_ci", "own_gain"):
            if set(getattr(self, name)) != set(Feature.__args__):
                raise ValueError(f"{name} has {sorted(getattr(self, name))}")
        for kind, own in self.labels_from.items():
            if not set(own) == set(self.labels_from_ci[kind]) == set(LabelSource.__args__):
                raise ValueError(f"labels_from[{kind}] has {sorted(own)}")
            for name, value in own.items():
                _holds(
                    f"labels_from_ci[{kind}][{name}]",
                    self.labels_from_ci[kind][name],
                    value,
                    "its mean ",
                )
            gain = own["own windows"] - own["labelled people"]
            if not math.isclose(self.own_gain[kind].mean, gain, abs_tol=ROUNDING):
                raise ValueError(
                    f"own_gain[{kind}] disagree: {self.own_gain[kind].mean} and {gain:.4f}"
                )
            _holds(f"own_gain[{kind}]:", self.own_gain[kind].ci, self.own_gain[kind].mean)

    def _check_budgets_and_pairs(self):
        main = str(self.n_train_subjects)
        sizes = {regime: list(points) for regime, points in self.budgets.items()}
        if len({tuple(s) for s in sizes.values()}) != 1 or set(sizes) != set(
            Regime.__args__
        ):
            raise ValueError(f"budgets differ between regimes: {sizes}")
        for regime, points in self.budgets.items():
            for n, point in points.items():
                _holds(f"budgets[{regime}][{n}]", point[1:], point[0], "its mean ")
            if main not in points or points[main][0] != self.accuracy[regime]:
                raise ValueError(
                    f"budgets[{regime}] disagrees with accuracy at {main} people"
                )
        for name, pair in self.paired.items():
            one, _, other = name.partition(" - ")
            if {one, other} - set(self.accuracy):
                raise ValueError(f"paired {name!r} names a regime that is not there")
            gap = self.accuracy[one] - self.accuracy[other]
            if not math.isclose(pair.mean, gap, abs_tol=ROUNDING):
                raise ValueError(f"paired {name!r} disagree: {pair.mean} and {gap:.4f}")
            _holds(f"paired {name!r}:", pair.ci, pair.mean)


Correlation = Annotated[float, Field(ge=-1, le=1)]
Interval = Annotated[tuple[Correlation, Correlation], Field(strict=False)]
Probability = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
PositiveInterval = Annotated[tuple[Positive, Positive], Field(strict=False)]


class Scores(BaseModel):
    """How good a prediction for unseen people is, beside the mean of the training people."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    pearson_r: Correlation = Field(description="correlation over test people")
    r_ci: Interval = Field(description="95 % bootstrap interval of pearson_r over people")
    permutation_p: Probability = Field(description="two-sided, test people exchanged")
    r2: Annotated[float, Field(le=1)] = Field(
        description="share of variance explained on test people; negative is worse than their mean"
    )
    mae: Positive = Field(description="mean absolute error, in units of the score")
    mse: Positive = Field(description="mean squared error, in squared units of the score")
    baseline_mae: Positive = Field(description="mae of predicting the training mean")
    baseline_mse: Positive = Field(description="mse of predicting the training mean")
    mse_ratio: Positive = Field(description="mse / baseline_mse; below 1 is better")
    mse_ratio_ci: PositiveInterval = Field(
        description="its 95 % bootstrap interval over people"
    )

    @model_validator(mode="after")
    def _scores_agree(self):
        _holds("r_ci", self.r_ci, self.pearson_r)
        _holds("mse_ratio_ci", self.mse_ratio_ci, self.mse_ratio)
        ratio = self.mse / self.baseline_mse
        # Both errors are rounded to four decimals, which moves their ratio by this much.
        slack = ROUNDING * (1 + (1 + ratio) / self.baseline_mse)
        if abs(ratio - self.mse_ratio) > slack:
            raise ValueError(
                f"mse_ratio and mse / baseline_mse disagree: {self.mse_ratio} and {ratio:.4f}"
            )
        if self.mae**2 > self.mse + slack:
            raise ValueError(f"mae {self.mae} is larger than the root of mse {self.mse}")
        return self


class PersonScoreContract(Contract, Scores):
    """What the pages about a score per person share."""

    target: str = Field(min_length=1, description="column of participants.tsv")
    effect: Annotated[float, Field(ge=0)] | None = Field(
        description="planted effect; null where nobody knows"
    )
    n_train_subjects: int = Field(ge=2, description="people trained on")
    n_test_subjects: int = Field(ge=3, description="people looked at once")
    n_dropped: int = Field(ge=0, description="people without a score")
    subject_overlap: int = Field(
        ge=0, le=0, description="people on both sides of the split"
    )
    null_r: Correlation = Field(description="pearson_r where there is nothing to learn")
    null_r_ci: Interval = Field(description="95 % bootstrap interval of null_r over people")
    null_mse_ratio: Positive = Field(
        description="mse_ratio where there is nothing to learn"
    )
    null_mse_ratio_ci: PositiveInterval = Field(description="its 95 % bootstrap interval")

    @model_validator(mode="after")
    def _null_agrees(self):
        _holds("null_r_ci", self.null_r_ci, self.null_r)
        _holds("null_mse_ratio_ci", self.null_mse_ratio_ci, self.null_mse_ratio)
        for other in ("forest", "ridge"):
            scores = getattr(self, other, None)
            for name in ("baseline_mae", "baseline_mse"):
                if scores and getattr(scores, name) != getattr(self, name):
                    raise ValueError(f"{other} was compared with another {name}")
        return self


class PfactorFeaturesContract(PersonScoreContract):
    """plot_80: a score per person from band power; the main numbers are the ridge's."""

    tutorial: Literal["plot_80"]
    forest: Scores = Field(description="the random forest's numbers")
    window_split_r: Correlation = Field(
        description="null study, forest, windows shuffled: r over held-out windows, mean of folds"
    )
    subject_split_r: Correlation = Field(description="the same with people kept whole")
    window_split_r_ridge: Correlation = Field(description="window_split_r of the ridge")
    subject_split_r_ridge: Correlation = Field(description="subject_split_r of the ridge")


class PfactorDeepContract(PersonScoreContract):
    """plot_81: a score per person from a network; the main numbers are the network's."""

    tutorial: Literal["plot_81"]
    n_parameters: int = Field(ge=1, description="parameters of the network")
    ridge: Scores = Field(description="ridge on band power, same people")
    ridge_minus_network: float = Field(
        description="squared error of ridge minus that of the network, mean over people"
    )
    ridge_minus_network_ci: Annotated[tuple[float, float], Field(strict=False)] = Field(
        description="its 95 % bootstrap interval over people; a tie if it holds 0"
    )
    attribution_share: Fraction = Field(
        description="part of the frequency map on Cz and E62 at 8 to 13 Hz"
    )
    attribution_share_random_init: Fraction = Field(
        description="the same, mean of five untrained networks"
    )
    attribution_share_null: Fraction = Field(description="the same, trained on the null")
    time_map_rank_correlation: Correlation = Field(
        description="Spearman correlation of maps over time, trained and untrained, mean of five"
    )
    frequency_map_rank_correlation: Correlation = Field(
        description="the same for the maps over frequency"
    )

    @model_validator(mode="after")
    def _gain_agrees(self):
        _holds(
            "ridge_minus_network_ci", self.ridge_minus_network_ci, self.ridge_minus_network
        )
        gain = self.ridge.mse - self.mse
        if abs(gain - self.ridge_minus_network) > 2 * ROUNDING:
            raise ValueError(
                f"ridge_minus_network and the errors disagree: {self.ridge_minus_network} and "
                f"{gain:.4f}"
            )
        return self


class PreprocessContract(Contract):
    """plot_10: from a recording to windows."""

    tutorial: Literal["plot_10"]
    n_recordings: int = Field(ge=1, description="recordings read")
    n_chans_recorded: int = Field(ge=2, description="channels in the file")
    sfreq_recorded: Positive = Field(description="sampling frequency of the file, in Hz")
    cz_rms_before_uv: float = Field(ge=0, description="size of Cz as recorded, in uV")
    cz_rms_after_uv: Positive = Field(
        description="size of Cz after average reference, in uV"
    )
    pick_first_difference: Positive = Field(
        description="rms of the error by picking before referencing, part of the signal's rms"
    )
    mains_db_removed: float = Field(
        description="power at 60 Hz taken away by the filter, in dB"
    )
    alpha_db_removed: float = Field(description="power at 10 Hz taken away, in dB")
    n_windows: dict[str, Count] = Field(
        description="windows per choice of length and stride"
    )
    saved_and_loaded_identical: bool = Field(
        description="windows are the same after loading"
    )
    alpha_closed_over_open: Positive = Field(
        description="alpha power at the back, eyes closed over open"
    )

    @model_validator(mode="after")
    def _steps_did_their_work(self):
        if self.cz_rms_before_uv > 0.01 * self.cz_rms_after_uv:
            raise ValueError(f"Cz is not flat before: {self.cz_rms_before_uv} uV")
        if self.mains_db_removed < 20 or abs(self.alpha_db_removed) > 1:
            raise ValueError(
                f"the filter takes {self.mains_db_removed} dB at 60 Hz and "
                f"{self.alpha_db_removed} dB at 10 Hz"
            )
        if not self.saved_and_loaded_identical:
            raise ValueError("saved windows are not the same after loading")
        return self


class LeakageContract(Contract):
    """plot_11: splits, on data with nothing to learn."""

    tutorial: Literal["plot_11"]
    effect: Annotated[float, Field(ge=0, le=0)] = Field(description="planted effect: none")
    n_subjects: int = Field(ge=2, description="people")
    n_windows: int = Field(ge=2, description="windows of all people")
    window_split_r: Correlation = Field(description="test windows, windows shuffled")
    subject_split_r: Correlation = Field(description="test windows, people kept whole")
    window_split_person_r: Correlation = Field(
        description="the same over people: one mean of test windows each, windows shuffled"
    )
    subject_split_person_r: Correlation = Field(
        description="the same over people, people kept whole"
    )
    window_split_person_r_ci: Interval = Field(
        description="95 % bootstrap interval over people of window_split_person_r"
    )
    subject_split_person_r_ci: Interval = Field(description="of subject_split_person_r")
    shared_people: dict[str, Count] = Field(description="people on both sides, worst fold")
    n_folds: dict[str, Count] = Field(description="folds per way to split")
    pooled_r: dict[str, Correlation] = Field(description="correlation over pooled folds")
    pooled_r_of_train_mean: dict[str, Correlation] = Field(
        description="the same for a prediction that knows nothing"
    )
    overlap_accuracy: dict[str, Fraction] = Field(
        description="accuracy at guessing coins, chance 0.5"
    )
    manifest_replayed: bool = Field(description="a saved split gives the same rows")
    subject_overlap: int = Field(
        ge=0, le=0, description="people on both sides, honest split"
    )

    @model_validator(mode="after")
    def _groups_are_whole(self):
        for name in ("group k-fold", "leave one person out"):
            if self.shared_people.get(name) != 0:
                raise ValueError(f"{name} shares {self.shared_people.get(name)} people")
        if self.n_folds.get("leave one person out") != self.n_subjects:
            raise ValueError("leaving one person out needs a fold per person")
        for name in ("window_split_person_r", "subject_split_person_r"):
            _holds(f"{name}_ci", getattr(self, f"{name}_ci"), getattr(self, name))
        if not self.manifest_replayed:
            raise ValueError("the saved split does not give the same rows")
        return self


class TransferContract(Contract):
    """plot_71: gains of one task for another."""

    tutorial: Literal["plot_71"]
    tasks: list[str] = Field(min_length=2, description="names of the tasks")
    n_train_subjects: int = Field(ge=1, description="people to pretrain on")
    n_labelled_subjects: int = Field(
        ge=1, description="of those, people with target labels"
    )
    n_test_subjects: int = Field(
        ge=2, description="people looked at once, in no task trained on"
    )
    subject_overlap: int = Field(
        ge=0, le=0, description="people on both sides, in any task"
    )
    chance_level: Fraction = Field(description="accuracy of guessing")
    scratch: dict[str, Fraction] = Field(description="accuracy from scratch, per target")
    controls: dict[str, dict[str, Fraction]] = Field(
        description="control -> target -> accuracy; a random frozen encoder, and band power"
    )
    gain: dict[str, dict[str, Difference]] = Field(
        description='regime -> "source -> target" -> accuracy minus that from scratch'
    )
    gain_ci: dict[str, dict[str, Interval]] = Field(
        description="its 95 % bootstrap interval over test people"
    )

    @model_validator(mode="after")
    def _gains_agree(self):
        for name, own in {"scratch": self.scratch, **self.controls}.items():
            if set(own) != set(self.tasks):
                raise ValueError(f"{name} has {sorted(own)}")
        if self.n_labelled_subjects > self.n_train_subjects:
            raise ValueError("more labelled than training people")
        for regime, own in self.gain.items():
            if set(own) != set(self.gain_ci.get(regime, {})):
                raise ValueError(f"gain and gain_ci of {regime} have different pairs")
            for pair, value in own.items():
                target = pair.split(" -> ")[1]
                _holds(f"gain_ci[{regime}][{pair}]", self.gain_ci[regime][pair], value)
                if not 0 <= self.scratch[target] + value <= 1:
                    raise ValueError(
                        f"gain[{regime}][{pair}] leaves the range of an accuracy"
                    )
        return self


class InvariantContract(Contract):
    """plot_72: a regression that holds across people."""

    tutorial: Literal["plot_72"]
    target: str = Field(min_length=1, description="column of events.tsv")
    n_subjects: int = Field(ge=2, description="people")
    n_trials: int = Field(ge=2, description="trials of all people")
    subject_overlap: int = Field(ge=0, le=0, description="people on both sides of a fold")
    within_r: dict[str, Correlation] = Field(
        description="correlation over the trials of a person, mean over people"
    )
    within_r_ci: dict[str, Interval] = Field(description="its 95 % bootstrap interval")
    error_ratio: dict[str, Positive] = Field(
        description="squared error within people, part of what their own mean leaves"
    )
    between_r: dict[str, Correlation] = Field(
        description="correlation over means of people, mean of folds, where it is defined"
    )
    identity_accuracy: dict[str, Fraction] = Field(description="people told apart")
    identity_chance: Fraction = Field(description="people told apart by guessing")
    permutation_p: Probability = Field(
        description="one-sided, exchanged inside people, every fold fitted again"
    )
    null_mean: Correlation = Field(description="mean within_r under permutation")
    pooled_constant_r: Correlation = Field(
        description="pooled correlation of the train mean, which knows nothing"
    )

    @model_validator(mode="after")
    def _rows_agree(self):
        for name in ("within_r_ci", "error_ratio", "identity_accuracy"):
            if set(getattr(self, name)) != set(self.within_r):
                raise ValueError(f"{name} has {sorted(getattr(self, name))}")
        if set(self.between_r) - set(self.within_r):
            raise ValueError(f"between_r has {sorted(self.between_r)}")
        for way, value in self.within_r.items():
            _holds(f"within_r_ci[{way}]", self.within_r_ci[way], value)
        if abs(self.identity_chance * self.n_subjects - 1) > self.n_subjects * ROUNDING:
            raise ValueError("identity_chance is not one in n_subjects")
        return self


class ScaleContract(Contract):
    """plot_90: the same work in a loop and on workers."""

    tutorial: Literal["plot_90"]
    engine: Literal["dask", "loop"] = Field(
        description="who did it the second time; loop where dask is not installed"
    )
    n_recordings: int = Field(
        ge=2, description="people asked for in a pass, with a damaged copy of one"
    )
    n_done: Count = Field(description="people done in the second pass")
    n_skipped: Count = Field(
        description="people left alone there, because they were finished"
    )
    n_failed: Count = Field(description="people whose recording could not be used")
    n_windows: int = Field(ge=1, description="windows in all finished files")
    n_tasks: int = Field(ge=1, description="cells of the grid")
    results_identical: bool = Field(
        description="files, weights and scores of loop and workers are equal bit for bit"
    )
    chance_level: Fraction = Field(description="accuracy of guessing")
    accuracy: dict[Regime, Fraction] = Field(
        description="test accuracy per regime, mean over people"
    )
    accuracy_ci: dict[Regime, Annotated[tuple[Fraction, Fraction], Field(strict=False)]] = (
        Field(description="its 95 % bootstrap interval over people")
    )
    subject_overlap: int = Field(ge=0, le=0, description="people on both sides of a fold")

    @model_validator(mode="after")
    def _nothing_lost(self):
        seen = self.n_done + self.n_skipped + self.n_failed
        if seen != self.n_recordings:
            raise ValueError(
                f"{self.n_recordings} recordings, but {seen} done, skipped or failed"
            )
        if not self.results_identical:
            raise ValueError("loop and workers gave different bits")
        if set(self.accuracy) != set(self.accuracy_ci):
            raise ValueError(f"accuracy_ci has {sorted(self.accuracy_ci)}")
        for regime, value in self.accuracy.items():
            _holds(f"accuracy_ci[{regime}]", self.accuracy_ci[regime], value)
        if self.n_tasks % len(self.accuracy):
            raise ValueError(f"{self.n_tasks} cells are no grid of {len(self.accuracy)}")
        return self


CONTRACTS = {
    "plot_10": PreprocessContract,
    "plot_11": LeakageContract,
    "plot_71": TransferContract,
    "plot_72": InvariantContract,
    "plot_73": FinetuneContract,
    "plot_80": PfactorFeaturesContract,
    "plot_81": PfactorDeepContract,
    "plot_90": ScaleContract,
}


def _reject_constant(name):
    raise ContractError(f"the JSON line holds {name}, which is not a finite number")


def parse(stdout):
    """Read and check the JSON line that ends a tutorial's output.

    Parameters
    ----------
    stdout : str
        Everything the tutorial printed.

    Returns
    -------
    Contract
        The model of that tutorial, with the checked values.

    Raises
    ------
    ContractError
        If the last line is not a JSON object, names an unknown tutorial, holds a number that is
        not finite, or breaks the tutorial's schema or invariants.
    """
    lines = stdout.rstrip().splitlines()
    if not lines:
        raise ContractError(
            "the tutorial printed nothing: its last line must be one JSON object"
        )
    try:
        values = json.loads(lines[-1], parse_constant=_reject_constant)
    except json.JSONDecodeError as err:
        raise ContractError(
            f"the last line is not JSON ({err}): {lines[-1][:120]!r}"
        ) from err
    if not isinstance(values, dict) or "tutorial" not in values:
        raise ContractError(
            f"the last line is not a contract, it has no key 'tutorial': {lines[-1][:120]!r}"
        )
    if values["tutorial"] not in CONTRACTS:
        raise ContractError(
            f"unknown tutorial {values['tutorial']!r}: known are {sorted(CONTRACTS)}"
        )
    try:
        # Through JSON, so that lists become tuples and integers stay integers.
        return CONTRACTS[values["tutorial"]].model_validate_json(lines[-1])
    except ValidationError as err:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'contract'}: {e['msg'].removeprefix('Value error, ')}"
            for e in err.errors()
        )
        raise ContractError(f"{values['tutorial']}: {problems}") from err
