"""Promise of plot_11: splits, on data with nothing to learn."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from _helpers.contracts.base import Contract, Count, Signed, Some, every, interval

Kind = Literal["k-fold over windows", "group k-fold", "leave one person out"]
ChosenOver = Literal["training people", "all people"]


class Page(Contract):
    """plot_11: splits, on data with nothing to learn."""

    headline = (
        "nothing to learn, and r over people is {window_split_person_r:+.2f} with shuffled windows, "
        "{subject_split_person_r:+.2f} with people kept whole"
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
    shared_people: every(Kind, Count)
    """people on both sides, worst fold"""
    n_folds: every(Kind, Count)
    """folds per way to split"""
    pooled_r_of_train_mean: every(Kind, Signed)
    """correlation over pooled folds of a prediction that knows nothing"""
    selection_r: every(ChosenOver, Signed)
    """first split over people, features chosen over these people"""
    selection_r_ci: every(ChosenOver, interval(Signed))
    """its 95 % interval over test people"""
    n_splits: Some
    """splits over people on which features were chosen in both ways"""
    n_splits_selection_leak_higher: Count
    """of these, splits with a higher r when features were chosen over all people"""
    manifest_replayed: bool
    """a saved split gives the same rows"""
    subject_overlap: Count
    """people on both sides, honest split"""

    @model_validator(mode="after")
    def _groups_are_whole(self):
        for name in ("group k-fold", "leave one person out"):
            if self.shared_people[name] != 0:
                raise ValueError(f"{name} shares {self.shared_people[name]} people")
        if self.n_folds["leave one person out"] != self.n_subjects:
            raise ValueError("leaving one person out needs a fold per person")
        if self.n_splits_selection_leak_higher > self.n_splits:
            raise ValueError(
                f"{self.n_splits_selection_leak_higher} of {self.n_splits} splits"
            )
        if not self.manifest_replayed:
            raise ValueError("the saved split does not give the same rows")
        return self
