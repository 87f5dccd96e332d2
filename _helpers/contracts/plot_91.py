"""Promise of plot_91: what it takes to bring windows to published weights, and which classes run."""

from typing import Literal

from _helpers.contracts import base

Verdict = Literal["fits", "fits after", "loses spatial weights", "refuses"]
Recording = Literal["yours", "net", "headband"]


class Page(base.Contract):
    headline = "Of {n_families} families with published weights, {verdicts[yours][fits]} take these windows as they are, {verdicts[yours][fits after]} after steps that the page names, {verdicts[yours][loses spatial weights]} lose their spatial weights and {verdicts[yours][refuses]} refuse; {n_silent_rate} of {n_run} classes that run take twice the rate without a word."
    questions = """number verdicts.yours.fits: How many families with published weights take these windows as they are?
    number n_silent_rate: Of the classes that run on these windows, how many take twice the rate without a word?
    yes verdicts.headband.loses spatial weights > verdicts.net.loses spatial weights: Do more families lose their spatial weights on the headband than on the net?"""

    n_chans: base.Some
    """electrodes of the study"""
    sfreq: base.Positive
    """its rate in Hz"""
    window_s: base.Positive
    """length of its windows in seconds"""
    n_people: base.Some
    """its people"""
    n_families: base.Some
    """families with published weights"""
    verdicts: base.every(Recording, base.every(Verdict, base.Count))
    """families per verdict, for each recording"""
    n_without_rate_or_scale: base.Count
    """families whose rate or scale nobody states"""
    n_without_licence: base.Count
    """families whose weights have no stated licence"""
    n_classes: base.Some
    """classes of Braindecode that were built"""
    n_run: base.Count
    """those that run on the windows of the study"""
    n_silent_rate: base.Count
    """of these, with the same shapes and no warning at twice the rate"""
    n_all_weights: base.Count
    """of these, whose weights for another cap all fit"""
    n_some_lost: base.Count
    """of these, where weights other than the head do not fit"""

    def check(self):
        for name, counts in self.verdicts.items():
            n_judged = sum(counts.values())
            message = f"verdicts[{name}] are {n_judged}, families {self.n_families}"
            base.refuse(n_judged != self.n_families, message)
        few = self.n_without_rate_or_scale, self.n_without_licence
        base.refuse(max(few) > self.n_families, "more families lack a fact than there are")
        message = f"n_run is {self.n_run}, of {self.n_classes} classes"
        base.refuse(self.n_run > self.n_classes, message)
        parts = max(self.n_silent_rate, self.n_all_weights + self.n_some_lost)
        base.refuse(parts > self.n_run, f"{parts} of {self.n_run} classes that run")
