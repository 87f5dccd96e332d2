"""Promise of plot_92: a checkpoint of somebody else, windows brought to it, three regimes."""

from _helpers.contracts import base


class Page(base.Regimes):
    headline = "{model} from {checkpoint}, {tensors_loaded:,} of {tensors_total:,} tensors under a fresh head: validation people choose {best_regime}, {gap_vs_scratch:+.2f} {gap_vs_scratch_ci:+.2f} against from-scratch, an interval {gap_vs_scratch_ci:above|that holds|below} zero."
    questions = """number gap_vs_scratch: How much accuracy does the chosen regime gain over the same network from scratch?
    order accuracy: Put the three regimes in order of test accuracy, the highest first."""
    bands = {"lr": 0.0}  # noqa: RUF012
    on_real = True

    checkpoint: base.Text
    """its folder, or id and commit"""
    model: base.Text
    """class of the network"""
    total_params: base.Some
    """its parameters"""
    tensors_loaded: base.Some
    """tensors of the encoder taken over"""
    tensors_total: base.Some
    """tensors of the encoder"""
    n_by_name: base.Count
    """electrodes of the checkpoint that the study has"""
    n_by_position: base.Count
    """those estimated from their neighbours"""
    reloaded_unchanged: bool
    """the shared folder gives the same answers, bit for bit"""

    def check(self):
        super().check()
        counts, accuracy = self.val_n_correct, self.accuracy
        base.refuse(not self.frozen_state_unchanged, "the probe changed its encoder")
        base.refuse(not self.reloaded_unchanged, "the shared folder gives other answers")
        part = f"{self.tensors_loaded} of {self.tensors_total} tensors were loaded"
        base.refuse(self.tensors_loaded != self.tensors_total, part)
        message = f"best_regime is {self.best_regime}, the counts say otherwise"
        base.refuse(counts[self.best_regime] < max(counts.values()), message)
        gain = accuracy[self.best_regime] - accuracy["from-scratch"]
        base.check_close("gap_vs_scratch and accuracies", self.gap_vs_scratch, gain)
