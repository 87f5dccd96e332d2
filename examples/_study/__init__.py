"""One door from a BIDS dataset on disk to checked windows with a table beside them.

A simulated study is written once as a BIDS dataset under the cache and from then on loaded like
any other: EEGDash's records name the recordings, MNE reads them, Braindecode preprocesses them and
cuts the windows. What passes elsewhere in silence (a missing recording, a file cut short, a person
absent from ``participants.tsv``, channels in another order than their table, a target of ``n/a``) is
refused here, by name, before anything slow starts. A study is only read: EEGDash's own reader, which
repairs tables and headers in place, and MNE-BIDS, which locks them, are not asked.

Behind the door are rooms: ``catalogue`` (facts and numbers), ``settings`` (a recipe from a table, a
file or an argument), ``find`` (name to folder to people), ``index`` (a study that was found, and its
windows), ``folder``, ``formats``, ``tables``, ``events``, ``classes``, ``channels`` and ``places`` (a folder
without its signals), ``header``, ``windows``, ``trials`` and ``cut`` (signals), ``measure``, ``quality``
and ``twins`` (what is wrong with them), ``cache``, and ``simulated`` (studies that are written here).
"""

from _study.cache import get_cache_dir
from _study.catalogue import PLACES, Budget, Recipe, StudyError, download_size
from _study.events import until_next_cue
from _study.formats import DATA_SUFFIXES
from _study.index import (
    Study,
    StudyIndex,
    find_study,
    list_people,
    open_records,
    open_study,
)
from _study.settings import get_budget, get_recipe

__all__ = [
    "DATA_SUFFIXES",
    "PLACES",
    "Budget",
    "Recipe",
    "Study",
    "StudyError",
    "StudyIndex",
    "download_size",
    "find_study",
    "get_budget",
    "get_cache_dir",
    "get_recipe",
    "list_people",
    "open_records",
    "open_study",
    "until_next_cue",
]
