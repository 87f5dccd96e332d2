"""Promise of plot_11: splits, on data with nothing to learn."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts.base import Contract, Count, Fraction, Signed, interval, refuse


class Page(Contract):
    headline = (
        "nothing to learn: r {window_split_r:+.2f} with shuffled windows, {subject_split_r:+.2f} "
        "with people kept whole"
    )
    on_real = True

    tutorial: Literal["plot_11"]
    effect: Annotated[float, Field(ge=0, le=0)]
    """planted effect: none"""
    n_subjects: Annotated[int, Field(ge=2)]
    """people"""
    n_windows: Annotated[int, Field(ge=2)]
    """windows of all people"""
    window_split_r: Signed
    """test windows, windows shuffled"""
    subject_split_r: Signed
    """test windows, people kept whole"""
    window_split_person_r: Signed
    """the same over people: one mean of test windows each, windows shuffled"""
    subject_split_person_r: Signed
    """the same over people, people kept whole"""
    window_split_person_r_ci: interval(Signed)
    """95 % interval over people of window_split_person_r"""
    subject_split_person_r_ci: interval(Signed)
    """of subject_split_person_r"""
    shared_people: dict[str, Count]
    """people on both sides, worst fold"""
    n_folds: dict[str, Count]
    """folds per way to split"""
    pooled_r: dict[str, Signed]
    """correlation over pooled folds"""
    pooled_r_of_train_mean: dict[str, Signed]
    """the same for a prediction that knows nothing"""
    overlap_accuracy: dict[str, Fraction]
    """accuracy at guessing coins, chance 0.5"""
    manifest_replayed: bool
    """a saved split gives the same rows"""
    subject_overlap: Count
    """people on both sides, honest split"""

    def check(self):
        for name in ("group k-fold", "leave one person out"):
            if self.shared_people.get(name) != 0:
                raise ValueError(f"{name} shares {self.shared_people.get(name)} people")
        if self.n_folds.get("leave one person out") != self.n_subjects:
            raise ValueError("leaving one person out needs a fold per person")
        refuse(not self.manifest_replayed, "the saved split does not give the same rows")
