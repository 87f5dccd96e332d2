"""Promise of plot_73: three ways to adapt a pretrained encoder."""

from _helpers.contracts import base


class Page(base.Adapted):
    headline = "Validation people choose {best_regime}: accuracy {best_accuracy:.2f} on new people where chance is {chance_level:.2f}, {gap_vs_scratch:+.2f} {gap_vs_scratch_ci:+.2f} against from-scratch, an interval {gap_vs_scratch_ci:above|that holds|below} zero."
    questions = """order accuracy: Put the three regimes in order of test accuracy, the highest first.
    number gap_vs_scratch: How much accuracy does the chosen regime gain over from-scratch?"""
    evidence = base.Evidence("simulated-transfer", 12)
    claims = {  # noqa: RUF012
        "gap_vs_scratch": "chosen regime minus from-scratch",
    }
    bands = {"lr": 0.0}  # noqa: RUF012
    on_real = True

    pretrain_task: base.Text
    """what the encoder learned to tell apart"""
    target_task: base.Text
    """what it is adapted to"""
    n_train_subjects: base.Some
    """labelled target people"""
    n_val_subjects: base.Some
    """people who choose learning rate and regime"""
    best_regime: base.Regime
    """most validation answers right; a tie goes to fewer trainable parameters"""
    best_accuracy: base.Fraction
    """test accuracy of best_regime, mean over people"""
    gap_vs_chance: base.Signed
    """best_accuracy - chance_level"""
    gap_vs_scratch: base.Signed
    """best_accuracy - accuracy of from-scratch"""
    gap_vs_scratch_ci: base.interval(base.Signed)
    trainable_params: base.every(base.Regime, base.Count)
    """parameters that learn, per regime"""
    total_params: base.Some
    """parameters of the network"""
    accuracy: base.every(base.Regime, base.Fraction)
    """test accuracy per regime, mean over people"""
    accuracy_ci: base.every(base.Regime, base.interval(base.Fraction))
    lr: base.every(base.Regime, base.Positive)
    """learning rate chosen on validation people"""
    val_n_correct: base.every(base.Regime, base.Count)
    """right answers to validation windows, of all initialisations"""
    n_val_windows: base.Some
    """validation windows times initialisations"""
    frozen_state_unchanged: bool
    """the probe's encoder is bit-identical before and after"""

    def check(self):
        base.refuse(not self.frozen_state_unchanged, "the linear probe changed its encoder")
        counts, learns = self.val_n_correct, self.trainable_params
        for regime, n in learns.items():
            of = f"{regime} trains {n} of {self.total_params} parameters"
            base.refuse(n > self.total_params, of)
            froze = n < self.total_params
            base.refuse(
                froze != (regime == "linear-probe"), f"{of}: only the probe freezes any"
            )
        best = max(counts, key=lambda regime: (counts[regime], -learns[regime]))
        said = f"best_regime is {self.best_regime}, the counts say {best}"
        base.refuse(best != self.best_regime, said)
        above = f"val_n_correct is above n_val_windows, {self.n_val_windows}"
        base.refuse(max(counts.values()) > self.n_val_windows, above)
        score, agree = self.accuracy[self.best_regime], base.check_close
        agree("best_accuracy and accuracy[best_regime]", self.best_accuracy, score)
        chance, scratch = score - self.chance_level, score - self.accuracy["from-scratch"]
        two = "gap_vs_chance and best_accuracy - chance_level"
        agree(two, self.gap_vs_chance, chance)
        two = "gap_vs_scratch and best_accuracy - accuracy[from-scratch]"
        agree(two, self.gap_vs_scratch, scratch)
