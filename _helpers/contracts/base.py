"""What every promise has: types, and one rule of names that checks intervals, overlaps and regimes."""

from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from _helpers.pages import sibling


class ContractError(ValueError):
    """The output of a tutorial does not keep its promise; the message says how."""


#: Values carry four decimals; a difference of two may be off by one in the last.
ROUNDING = 1.01e-4
#: What every page about fine-tuning compares.
REGIMES = sibling("_regimes").COMPARED
Regime = Literal[REGIMES]

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Some = Annotated[int, Field(ge=1)]
Several = Annotated[int, Field(ge=2)]
Size = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(gt=0, le=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Signed = Annotated[float, Field(ge=-1, le=1)]


def ci_type(ends):
    """Type of two numbers, low and high; JSON has them as a list."""
    return Annotated[tuple[ends, ends], Field(strict=False)]


def every(names, value):
    """Type of a dictionary with exactly the keys that a ``Literal`` allows.

    Parameters
    ----------
    names : typing.Literal
        The keys.
    value : type
        Of every value.
    """

    def whole(values):
        if set(values) != set(get_args(names)):
            raise ValueError(f"has {sorted(values)}, expected {sorted(get_args(names))}")
        return values

    return Annotated[dict[names, value], AfterValidator(whole)]


def refuse(wrong, why):
    """What is wrong is a `ValueError`, which pydantic collects.

    Parameters
    ----------
    wrong : bool or sized
        Anything that is true where something is wrong.
    why : str
        Message of the error.

    Raises
    ------
    ValueError
        If it is wrong.
    """
    if wrong:
        raise ValueError(why)


def check_close(name, value, other, slack=ROUNDING):
    """Refuse two ways to the same number that do not agree.

    Parameters
    ----------
    name : str
        What they are, for the message.
    value, other : float
        The number, in both ways.
    slack : float
        How far they may lie apart.
    """
    refuse(abs(value - other) > slack, f"{name} disagree: {value:.4f} and {other:.4f}")


def check_interval(name, ends, estimate, called):
    """Refuse an interval upside down or without its estimate.

    Parameters
    ----------
    name, called : str
        Names of interval and estimate, for the message.
    ends : tuple of float, or dict
        Low and high; a dictionary of them is checked key by key.
    estimate : float or dict
        What has to lie inside.
    """
    if isinstance(ends, dict):
        if not isinstance(estimate, dict) or set(ends) != set(estimate):
            raise ValueError(f"{name} has {sorted(ends)}, {called} has {sorted(estimate)}")
        for key, inner in ends.items():
            check_interval(f"{name}[{key}]", inner, estimate[key], f"{called}[{key}]")
        return
    low, high = ends
    refuse(low > high, f"{name} is [{low}, {high}]: the lower end is above the upper end")
    inside = low - ROUNDING <= estimate <= high + ROUNDING
    refuse(not inside, f"{name} {[low, high]} does not contain {estimate} ({called})")


class Strict(BaseModel):
    """Nothing is converted, nothing is left over; what a field is stands below it."""

    model_config = ConfigDict(
        extra="forbid", allow_inf_nan=False, strict=True, use_attribute_docstrings=True
    )


class Model(Strict):
    """Part of a line, checked by its names.

    ``X_ci`` is the interval of ``X``, and ``ci`` that of ``mean``: ordered, with the estimate inside.
    ``subject_overlap`` is 0.
    """

    #: Where an interval is not named after what it is the interval of.
    interval_of: ClassVar[dict[str, str]] = {"ci": "mean", "r_ci": "pearson_r"}

    @classmethod
    def _intervals(cls):
        """Names of intervals and of what they are the interval of."""
        names = [name for name in cls.model_fields if f"_{name}".endswith("_ci")]
        return {name: cls.interval_of.get(name, name.removesuffix("_ci")) for name in names}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs):
        """Say of each interval what it is."""
        for name, called in cls._intervals().items():
            cls.model_fields[name].description = f"95 % interval of {called}, over people"

    @model_validator(mode="after")
    def _names_keep_their_word(self):
        for name, called in self._intervals().items():
            check_interval(name, getattr(self, name), getattr(self, called), called)
        shared = getattr(self, "subject_overlap", 0)
        refuse(shared, f"subject_overlap: {shared} people are on both sides of a split")
        self.check()
        return self

    def check(self):
        """Refuse values that do not agree; a page says which."""


class Evidence(NamedTuple):
    """On which simulated study, and on how many draws of its people, a page is run for its claims."""

    study: str
    n_draws: int
    #: Where the study is run without its effect too: how the name of that one ends.
    null: str = ""
    #: Seed of the people that the tutorial shows, which are no other draw.
    shown: int | None = None

    @property
    def seeds(self):
        """Of the draws."""
        return [seed for seed in range(self.n_draws) if seed != self.shown]


class Contract(Model):
    """What every tutorial says."""

    tutorial: Annotated[str, Field(description="short name of the page, e.g. plot_73")]
    version: Some
    """raised when the meaning of a key changes"""
    data: Text
    """"simulated", or the name of the dataset"""

    #: The answer to the title in one sentence, filled from the values by ``filters.say``.
    headline: ClassVar[str]
    #: What a reader predicts before the result, a line each: ``number KEY: words``, ``order KEY: words``
    #: or ``yes KEY > KEY: words``; keys have dots. The verdict is read from the line of the run.
    questions: ClassVar[str] = ""
    #: How far a number may lie from the reference on another machine, by the first part of its key,
    #: where the usual band does not fit.
    bands: ClassVar[dict[str, float]] = {}
    #: The draws of people behind the evidence page; None for a page that is not on it.
    evidence: ClassVar[Evidence | None] = None
    #: Key of a value whose sign is a claim -> what it is; shown over those draws.
    claims: ClassVar[dict[str, str]] = {}
    #: Does the page make sense on a study of people who do or rest: adaptation, leak, score?
    on_real: ClassVar[bool] = False

    @classmethod
    def asked(cls):
        """Kind and key of every question -> its words."""
        return dict(line.strip().split(": ", 1) for line in cls.questions.splitlines())

    @classmethod
    def band(cls, key, reference):
        """How far a decimal may lie from the reference: 0.05, 2 % if more, or its band.

        Parameters
        ----------
        key : str
            Keys joined by dots.
        reference : float
            The number that was accepted.
        """
        return cls.bands.get(key.split(".")[0], max(0.05, 0.02 * abs(reference)))


class Paired(Model):
    """A difference in accuracy, taken within test people, with its test."""

    mean: Signed
    """mean difference in accuracy over people"""
    ci: ci_type(Signed)
    p: Probability
    """two-sided sign-flip permutation test"""


class Change(Model):
    """A difference of any score, taken within test people."""

    mean: float
    """mean difference over people"""
    ci: ci_type(float)
    p: Probability
    """two-sided sign-flip permutation test, not corrected"""


class Errors(Model):
    """How good a prediction for unseen people is, beside the mean of the training people."""

    pearson_r: Signed
    """correlation over test people"""
    r_ci: ci_type(Signed)
    permutation_p: Probability
    """two-sided, test people exchanged"""
    r2: Annotated[float, Field(le=1)]
    """share of variance explained on test people; negative is worse than their mean"""
    mse: Positive
    """mean squared error, in squared units of the score"""
    baseline_mse: Positive
    """mse of predicting the training mean"""
    mse_ratio: Positive
    """mse / baseline_mse; below 1 is better"""
    mse_ratio_ci: ci_type(Positive)

    def check(self):
        ratio = self.mse / self.baseline_mse
        # Both errors are rounded to four decimals, which moves their ratio by this much.
        slack = ROUNDING * (1 + (1 + ratio) / self.baseline_mse)
        check_close("mse_ratio and mse / baseline_mse", self.mse_ratio, ratio, slack)
        mae = getattr(self, "mae", 0)
        why = f"mae {mae} is larger than the root of mse {self.mse}"
        refuse(mae**2 > self.mse + slack, why)


class Scores(Errors):
    """The same with absolute errors."""

    mae: Positive
    """mean absolute error, in units of the score"""
    baseline_mae: Positive
    """mae of predicting the training mean"""


class Adapted(Contract):
    """What the pages about adapting a network share."""

    n_test_subjects: Several
    """people looked at once"""
    chance_level: Fraction
    """accuracy of guessing, by design of the classes"""
    subject_overlap: Count
    """people on both sides of any split"""


class Regimes(Adapted):
    """Three regimes, of which validation people choose one."""

    n_train_subjects: Some
    """labelled target people"""
    best_regime: Regime
    """most validation answers right; a tie goes to fewer trainable parameters"""
    gap_vs_scratch: Signed
    """accuracy of best_regime - that of from-scratch"""
    gap_vs_scratch_ci: ci_type(Signed)
    accuracy: every(Regime, Fraction)
    """test accuracy per regime, mean over people"""
    accuracy_ci: every(Regime, ci_type(Fraction))
    lr: every(Regime, Positive)
    """learning rate chosen on validation people"""
    val_n_correct: every(Regime, Count)
    """right answers to validation windows, of all initialisations"""
    n_val_windows: Some
    """validation windows times initialisations"""
    frozen_state_unchanged: bool
    """the probe's encoder is bit-identical before and after"""

    def check(self):
        above = f"val_n_correct is above n_val_windows, {self.n_val_windows}"
        refuse(max(self.val_n_correct.values()) > self.n_val_windows, above)


class Correlation(Contract):
    """A score per person and its null, as correlations."""

    target: Text
    """column of participants.tsv"""
    effect: Size | None
    """planted effect; null where nobody knows"""
    n_train_subjects: Several
    """people trained on"""
    n_test_subjects: Annotated[int, Field(ge=3)]
    """people looked at once"""
    subject_overlap: Count
    """people on both sides of the split"""
    pearson_r: Signed
    """correlation over test people"""
    r_ci: ci_type(Signed)
    null_r: Signed
    """pearson_r where there is nothing to learn"""
    null_r_ci: ci_type(Signed)


class PersonScore(Correlation, Errors):
    """The same with errors."""

    null_mse_ratio: Positive
    """mse_ratio where there is nothing to learn"""
    null_mse_ratio_ci: ci_type(Positive)

    def check(self):
        super().check()
        for other, scores in self:
            for name in ("baseline_mae", "baseline_mse"):
                here = getattr(self, name, None)
                if isinstance(scores, Errors) and getattr(scores, name, here) != here:
                    raise ValueError(f"{other} was compared with another {name}")
