"""Promise of plot_73: three ways to adapt a pretrained encoder."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts import base

Feature = Literal["encoder", "band power"]
LabelSource = Literal["source people", "labelled people", "own windows"]
Mean = Annotated[tuple[base.Fraction, base.Fraction, base.Fraction], Field(strict=False)]
CONTROLS = {"zero-shot", "shuffled pretraining", "random frozen encoder", "band power"}


class Page(base.Contract):
    headline = (
        "{best_regime} {best_accuracy:.2f} against chance {chance_level:.2f}; "
        "{gap_vs_scratch:+.2f} over from-scratch"
    )
    bands = {"lr": 0.0, "frozen_running_var": 0.0}  # noqa: RUF012
    evidence = base.Evidence("simulated-transfer", 12)
    on_real = True

    tutorial: Literal["plot_73"]
    pretrain_task: str
    """what the encoder was pretrained to tell apart"""
    target_task: str
    """what it is adapted to"""
    n_source_subjects: base.Some
    """people the encoder was pretrained on"""
    n_train_subjects: base.Some
    """labelled target people"""
    n_val_subjects: base.Some
    """people who choose learning rate and regime"""
    n_test_subjects: base.Several
    """people looked at once"""
    n_windows: dict[str, base.Count]
    """windows of each group of people"""
    n_steps: base.every(Literal["pretraining", "regime"], base.Count)
    """training steps"""
    best_regime: base.Regime
    """highest validation accuracy"""
    best_accuracy: base.Fraction
    """test accuracy of best_regime, mean over people"""
    chance_level: base.Fraction
    """accuracy of guessing, by design of the classes"""
    chance_interval: base.interval(base.Fraction)
    """95 % of scores by guessing on that many windows"""
    gap_vs_chance: base.Signed
    """best_accuracy - chance_level"""
    gap_vs_scratch: base.Signed
    """best_accuracy - accuracy of from-scratch"""
    gap_vs_scratch_ci: base.interval(base.Signed)
    """95 % bootstrap interval of gap_vs_scratch, paired within test people"""
    trainable_params: base.every(base.Regime, base.Count)
    """parameters that learn, per regime"""
    total_params: base.Some
    """parameters of the network"""
    accuracy: base.every(base.Regime, base.Fraction)
    """test accuracy per regime, mean over people"""
    accuracy_ci: base.every(base.Regime, base.interval(base.Fraction))
    """95 % bootstrap interval over test people, per regime"""
    lr: base.every(base.Regime, base.Positive)
    """learning rate chosen on validation people"""
    budgets: base.every(base.Regime, dict[str, Mean])
    """labelled people -> mean accuracy, low, high (95 % interval over people)"""
    paired: dict[str, base.Paired]
    """"one - other" -> paired difference"""
    controls: dict[str, base.Fraction]
    """test accuracy of each control"""
    controls_ci: dict[str, base.interval(base.Fraction)]
    """95 % bootstrap interval over test people, per control"""
    controls_over_scratch: dict[str, base.Gap]
    """control minus from-scratch, within test people"""
    labels_from: base.every(Feature, base.every(LabelSource, base.Fraction))
    """accuracy on the later windows of test people, by whose labels a logistic regression learned from"""
    labels_from_ci: base.every(
        Feature, base.every(LabelSource, base.interval(base.Fraction))
    )
    """95 % bootstrap interval over test people"""
    own_gain: base.every(Feature, base.Paired)
    """own windows minus labelled people, within test people"""
    gflop: base.every(Literal[(*base.REGIMES, "pretraining, once")], base.Positive)
    """1e9 floating-point operations to train, per regime and for pretraining"""
    naive_running_var: base.Positive
    """running variance after a naive probe, as a multiple of its start"""
    frozen_running_var: float
    """the same after a frozen probe: exactly 1"""
    frozen_state_unchanged: bool
    """the probe's encoder is bit-identical before and after"""
    subject_overlap: base.Count
    """people on both sides of any split"""

    def check(self):
        self._frozen_is_frozen()
        self._gaps_agree()
        self._budgets_agree()
        self._controls_agree()

    def _frozen_is_frozen(self):
        base.refuse(not self.frozen_state_unchanged, "the linear probe changed its encoder")
        if self.frozen_running_var != 1.0:
            raise ValueError(f"frozen_running_var is {self.frozen_running_var}: it moved")
        for regime, count in self.trainable_params.items():
            of = f"{regime} trains {count} of {self.total_params}"
            base.refuse(count > self.total_params, f"{of} parameters")
            if (count == self.total_params) != (regime != "linear-probe"):
                raise ValueError(f"{of}: only the probe freezes anything")

    def _gaps_agree(self):
        accuracy, best = self.accuracy, self.best_accuracy
        name = "best_accuracy and accuracy[best_regime]"
        base.check_close(name, best, accuracy[self.best_regime])
        name = "gap_vs_chance and best_accuracy - chance_level"
        base.check_close(name, self.gap_vs_chance, best - self.chance_level)
        name = "gap_vs_scratch and best_accuracy - accuracy[from-scratch]"
        base.check_close(name, self.gap_vs_scratch, best - accuracy["from-scratch"])
        for name, pair in self.paired.items():
            one, _, other = name.partition(" - ")
            unknown = {one, other} - set(accuracy)
            base.refuse(unknown, f"paired {name!r} names a regime that is not there")
            base.check_close(f"paired {name!r}", pair.mean, accuracy[one] - accuracy[other])

    def _budgets_agree(self):
        main = str(self.n_train_subjects)
        if len({tuple(points) for points in self.budgets.values()}) != 1:
            sizes = {regime: list(points) for regime, points in self.budgets.items()}
            raise ValueError(f"budgets differ between regimes: {sizes}")
        for regime, points in self.budgets.items():
            for n, (mean, *ends) in points.items():
                base.check_interval(f"budgets[{regime}][{n}]", ends, mean, "its mean")
            if main not in points or points[main][0] != self.accuracy[regime]:
                own = f"budgets[{regime}]"
                raise ValueError(f"{own} disagrees with accuracy at {main} people")

    def _controls_agree(self):
        missing, there = CONTROLS - set(self.controls), set(self.controls_over_scratch)
        base.refuse(missing, f"controls lack {sorted(missing)}")
        base.refuse(
            there != set(self.controls), f"controls_over_scratch has {sorted(there)}"
        )
        for name, over in self.controls_over_scratch.items():
            gain = self.controls[name] - self.accuracy["from-scratch"]
            base.check_close(f"controls_over_scratch[{name}]", over.mean, gain)
        for kind, own in self.labels_from.items():
            gain = own["own windows"] - own["labelled people"]
            base.check_close(f"own_gain[{kind}]", self.own_gain[kind].mean, gain)
