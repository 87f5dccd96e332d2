"""Promise of plot_71: gains of one task for another."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts.base import Contract, Count, Fraction, Signed, Some, interval


class Page(Contract):
    headline = (
        "gain of a probe: rest to side {gain[probe][rest -> side]:+.2f}, flicker to side "
        "{gain[probe][flicker -> side]:+.2f}"
    )

    tutorial: Literal["plot_71"]
    tasks: Annotated[list[str], Field(min_length=2)]
    """names of the tasks"""
    n_train_subjects: Some
    """people to pretrain on"""
    n_labelled_subjects: Some
    """of those, people with target labels"""
    n_test_subjects: Annotated[int, Field(ge=2)]
    """people looked at once, in no task trained on"""
    subject_overlap: Count
    """people on both sides, in any task"""
    chance_level: Fraction
    """accuracy of guessing"""
    scratch: dict[str, Fraction]
    """accuracy from scratch, per target"""
    controls: dict[str, dict[str, Fraction]]
    """control -> target -> accuracy; a random frozen encoder, and band power"""
    gain: dict[str, dict[str, Signed]]
    """regime -> "source -> target" -> accuracy minus that from scratch"""
    gain_ci: dict[str, dict[str, interval(Signed)]]
    """its 95 % interval over test people"""

    def check(self):
        for name, own in {"scratch": self.scratch, **self.controls}.items():
            if set(own) != set(self.tasks):
                raise ValueError(f"{name} has {sorted(own)}")
        if self.n_labelled_subjects > self.n_train_subjects:
            raise ValueError("more labelled than training people")
        for regime, own in self.gain.items():
            for pair, value in own.items():
                target = pair.split(" -> ")[1]
                if not 0 <= self.scratch[target] + value <= 1:
                    name = f"gain[{regime}][{pair}]"
                    raise ValueError(f"{name} leaves the range of an accuracy")
