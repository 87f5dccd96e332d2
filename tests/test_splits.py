"""Splits over people, and the check for leakage."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from _score.splits import (
    LeakageError,
    SplitError,
    assert_no_leakage,
    load_split,
    nested_subjects,
    save_split,
    split_subjects,
)


def table(subjects, per_subject=3):
    names = np.repeat(list(subjects), per_subject)
    return pd.DataFrame(
        {"subject": names, "sample_id": [f"w{i}" for i in range(len(names))]}
    )


PEOPLE = [f"s{i:02d}" for i in range(20)]


def test_report_is_one_json_line(capsys):
    report = assert_no_leakage(table("ab"), table("cde"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) == {"leakage_report": report}
    assert report == {"overlap": 0, "by": "subject", "n_train": 2, "n_test": 3}


def test_leakage_names_the_shared_people(capsys):
    with pytest.raises(
        LeakageError, match=r"2 subject\(s\) are in train and in test: b, c\."
    ):
        assert_no_leakage(table("abc"), table("bcd"))
    assert capsys.readouterr().out == ""


def test_leakage_by_another_column():
    with pytest.raises(LeakageError, match=r"9 sample_id\(s\) .*w0.* and 1 more"):
        assert_no_leakage(table("abc"), table("def"), by="sample_id")


def test_people_are_compared_by_name_whatever_the_type():
    with pytest.raises(LeakageError, match="7"):
        assert_no_leakage(pd.DataFrame({"subject": [7]}), pd.DataFrame({"subject": ["7"]}))


def test_leakage_check_refuses_what_it_cannot_check():
    with pytest.raises(KeyError, match="train has no column 'person'; its columns are"):
        assert_no_leakage(table("a"), table("b"), by="person")
    with pytest.raises(SplitError, match="test has no rows"):
        assert_no_leakage(table("a"), table("b").iloc[:0])
    with pytest.raises(TypeError, match="train is a list"):
        assert_no_leakage(["a"], table("b"))


def test_split_deals_every_window_once_and_people_whole():
    metadata = table(PEOPLE)
    parts = split_subjects(metadata, {"test": 8, "validation": 4})
    assert sorted(np.concatenate(list(parts.values()))) == list(range(60))
    people = {name: set(metadata.iloc[rows]["subject"]) for name, rows in parts.items()}
    assert {name: len(p) for name, p in people.items()} == {
        "test": 8,
        "validation": 4,
        "pool": 8,
    }
    assert len(set.union(*people.values())) == 20


def test_split_is_repeatable_and_the_seed_matters():
    metadata = table(PEOPLE)
    deals = [
        split_subjects(metadata, {"test": 8}, seed=s)["test"].tolist() for s in (0, 0, 1)
    ]
    assert deals[0] == deals[1] != deals[2]


def test_everybody_can_be_dealt():
    parts = split_subjects(table(PEOPLE), {"test": 16, "validation": 4})
    assert {name: len(rows) for name, rows in parts.items()} == {
        "test": 48,
        "validation": 12,
        "pool": 0,
    }


def test_too_few_people():
    message = (
        r"too few subjects: test=16 \+ validation=5 is more than the 20 people there are"
    )
    with pytest.raises(SplitError, match=message):
        split_subjects(table(PEOPLE), {"test": 16, "validation": 5})


@pytest.mark.parametrize("size", [0, -1, 0.5, "3"])
def test_size_that_is_no_number_of_people(size):
    with pytest.raises(SplitError, match="whole numbers of people"):
        split_subjects(table(PEOPLE), {"test": size})


def test_rest_cannot_have_a_size():
    with pytest.raises(SplitError, match="'pool' names the people left over"):
        split_subjects(table(PEOPLE), {"pool": 3})


def test_nested_groups_grow_by_adding_people():
    metadata = table(PEOPLE)
    groups = nested_subjects(metadata, np.arange(30), (1, 2, 4, 8))
    people = [set(metadata.iloc[rows]["subject"]) for rows in groups.values()]
    assert [len(p) for p in people] == [1, 2, 4, 8]
    assert all(small < large for small, large in itertools.pairwise(people))
    assert set().union(*people) <= set(PEOPLE[:10])
    other = nested_subjects(metadata, np.arange(30), (8,), seed=1)
    assert set(metadata.iloc[other[8]]["subject"]) != people[-1]


def test_sizes_larger_than_the_pool_are_left_out_and_printed(capsys):
    groups = nested_subjects(table(PEOPLE), np.arange(9), (1, 2, 4, 8))
    assert list(groups) == [1, 2]
    assert "left out: [4, 8] people, because the pool has 3" in capsys.readouterr().out


@pytest.mark.parametrize("sizes", [(4, 8), (0, 1)])
def test_nothing_to_draw(sizes):
    message = f"cannot draw {min(sizes)} of the 3 people in the pool"
    with pytest.raises(SplitError, match=message):
        nested_subjects(table(PEOPLE), np.arange(9), sizes)


# ---------------------------------------------------------------------------------- manifests


@pytest.fixture
def people():
    return pd.DataFrame({"subject": np.repeat(["01", "02", "03", "04", "05"], 3)})


def test_a_split_is_written_and_replayed(people, tmp_path):
    parts = split_subjects(people, {"test": 2}, rest="train", seed=3)
    manifest = save_split(tmp_path / "split.json", people, parts, note="a test")
    assert (manifest["version"], manifest["by"]) == (1, "subject")
    shuffled = people.sample(frac=1, random_state=0).reset_index(drop=True)
    again = load_split(tmp_path / "split.json", shuffled)
    for name, rows in parts.items():
        assert set(people["subject"].iloc[rows]) == set(
            shuffled["subject"].iloc[again[name]]
        )
        assert len(rows) == len(again[name])
    assert [p.name for p in tmp_path.iterdir()] == ["split.json"]


def test_a_split_with_somebody_twice_is_neither_written_nor_read(people, tmp_path):
    path = tmp_path / "split.json"
    with pytest.raises(
        LeakageError, match=r"1 subject\(s\) are in more than one group: 01"
    ):
        save_split(path, people, {"train": np.arange(4), "test": np.array([2, 12])})
    assert not path.exists()
    path.write_text('{"version": 1, "by": "subject", "groups": {"a": ["01"], "b": ["01"]}}')
    with pytest.raises(LeakageError, match="more than one group"):
        load_split(path, people)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "is not a split manifest .JSONDecodeError"),
        ('{"version": 1}', "is not a split manifest .KeyError"),
        ('{"version": 9, "by": "subject", "groups": {}}', "has version 9 .* reads 1"),
        (
            '{"version": 1, "by": "subject", "groups": {"a": ["01", "99"]}}',
            "the table has no window of 99",
        ),
        (
            '{"version": 1, "by": "subject", "groups": {"a": ["01", "02", "03"]}}',
            "has windows of people the manifest does not name: 04, 05",
        ),
    ],
)
def test_a_manifest_that_does_not_fit(people, tmp_path, text, message):
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(SplitError, match=message):
        load_split(path, people)
