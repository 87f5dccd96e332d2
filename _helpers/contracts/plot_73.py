"""Promise of plot_73: three ways to adapt a pretrained encoder."""

from _helpers.contracts import base


class Page(base.Regimes):
    headline = "Chosen on validation people: {best_regime}, with accuracy {best_accuracy:.2f} on new people where chance is {chance_level:.2f}, {gap_vs_scratch:+.2f} {gap_vs_scratch_ci:+.2f} against from-scratch, an interval {gap_vs_scratch_ci:above|that holds|below} zero."
    questions = """order accuracy: Put the three regimes in order of test accuracy, the highest first.
    number gap_vs_scratch: How much accuracy does the chosen regime gain over from-scratch?"""
    evidence = base.Evidence("simulated-transfer", 12, shown=2)
    claims = {  # noqa: RUF012
        "gap_vs_scratch": "chosen regime minus from-scratch",
    }
    bands = {"lr": 0.0}  # noqa: RUF012
    on_real = True

    pretrain_task: base.Text
    """what the encoder learned to tell apart"""
    target_task: base.Text
    """what it is adapted to"""
    n_val_subjects: base.Some
    """people who choose learning rate and regime"""
    best_accuracy: base.Fraction
    """test accuracy of best_regime, mean over people"""
    gap_vs_chance: base.Signed
    """best_accuracy - chance_level"""
    trainable_params: base.every(base.Regime, base.Count)
    """parameters that learn, per regime"""
    total_params: base.Some
    """parameters of the network"""

    def check(self):
        super().check()
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
        message = f"best_regime is {self.best_regime}, the counts say {best}"
        base.refuse(best != self.best_regime, message)
        score, agree = self.accuracy[self.best_regime], base.check_close
        agree("best_accuracy and accuracy[best_regime]", self.best_accuracy, score)
        chance, scratch = score - self.chance_level, score - self.accuracy["from-scratch"]
        two = "gap_vs_chance and best_accuracy - chance_level"
        agree(two, self.gap_vs_chance, chance)
        two = "gap_vs_scratch and best_accuracy - accuracy[from-scratch]"
        agree(two, self.gap_vs_scratch, scratch)
