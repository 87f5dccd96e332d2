"""Families of EEG models that publish weights: what their windows were like, and where that is written.

Kept by hand. Every fact is a value and the words it rests on: words of Braindecode's own source, which a test
looks for there, or, after ``elsewhere:``, another place, which no test can see. None is what nobody states.
"""

import functools
import importlib
from dataclasses import dataclass

from _runtime import quiet_imports

with quiet_imports():
    from braindecode.models.util import models_dict

#: The file of weights, unless a family has another.
WEIGHTS = "model.safetensors"
#: For each family the id on the hub, millions of parameters, rate in Hz, rule for channels and for samples of a
#: window, scale (a key of ``_model.fit.SCALES``), licence of the weights, corpora, classes with the same weights,
#: and what is asked first. A new family is an entry here.
#:
#: Rules for channels: *any*; *positions* of all; the first *slots*; *names* with a row of weights each, where others
#: have none (*else* says what becomes of them); *exact*, these and no others; *pairs*, differences of two electrodes.
#:
#: ``weights`` is the file that is fetched and read, where it is not :data:`WEIGHTS`.
# fmt: off
FACTS = {
    "BENDR": {
        "hub": ("braindecode/braindecode-bendr", 'BENDR.from_pretrained("braindecode/braindecode-bendr", n_outputs=2)'),
        "parameters": (157, "elsewhere: built with random weights"),
        "sfreq": (256, "by a factor of 96, resulting in an effective sampling frequency of approximately 2.67 Hz"),
        "channels": ({"exact": "BENDR_CHANNEL_ORDER"}, "BENDR requires chs_info to match BENDR_CHANNEL_ORDER exactly"),
        "samples": ({"at_least": 384}, "samples (384 with default downsampling of 96x)"),
        "scale": ("min-max", "elsewhere: configuration of OpenEEGBench"),
        "licence": (None, ""),
        "corpora": ("TUEG", "elsewhere: its paper"),
    },
    "BIOT": {
        "hub": ("braindecode/biot-pretrained-six-datasets-18chs", 'BIOT.from_pretrained("braindecode/biot-pretrained-six-datasets-18chs")'),
        "parameters": (3.2, "elsewhere: built with random weights"),
        "sfreq": (200, "This model has only been trained on a dataset with 200 Hz."),
        "channels": ({"pairs": "BIOT_CHANNEL_ORDER"}, "the 18-channel TCP bipolar montage used by BIOT's shhs-prest and six-datasets pretrained checkpoints"),
        "samples": ({"at_least": 200}, "self.n_fft = int(self.sfreq)"),
        "scale": ("percentile", "elsewhere: configuration of NeuralBench"),
        "licence": (None, ""),
        "corpora": ("TUH and SHHS", "TUH Abnormal EEG Corpus with 400K samples and Sleep Heart Health Study 5M"),
    },
    "CBraMod": {
        "hub": ("braindecode/cbramod-pretrained", '"braindecode/cbramod-pretrained", return_encoder_output=True'),
        "parameters": (4.9, "elsewhere: built with random weights"),
        "sfreq": (200, "Temporal patch size in samples (200 samples = 1 second at 200 Hz)."),
        "channels": ("any", "Generalize to arbitrary downstream EEG formats without retraining"),
        "samples": ({"multiple": 200}, "patch_size : int, default=200"),
        "scale": ("uV/100", "elsewhere: configuration of OpenEEGBench"),
        "licence": ("bsd-3-clause", "elsewhere: card on the hub"),
        "corpora": ("TUEG", "**Pretraining Dataset**: Temple University Hospital EEG Corpus (TUEG)"),
    },
    "CodeBrain": {
        "hub": ("braindecode/codebrain-pretrained", 'CodeBrain.from_pretrained("braindecode/codebrain-pretrained")'),
        "parameters": (15, "elsewhere: table of Braindecode"),
        "sfreq": (200, "elsewhere: table of Braindecode"),
        "channels": ("any", "Also determines the patch embedding dimension as ``s4_lmax // n_chans``."),
        "samples": ({"multiple": 200}, "Input length is trimmed to the nearest multiple of ``patch_size``."),
        "scale": (None, ""),
        "licence": ("bsd-3-clause", "elsewhere: card on the hub"),
        "corpora": (None, "pre-trains on large unlabelled corpora"),
    },
    "EEGDINO": {
        "hub": ("braindecode/eegdino-small-pretrained", '"braindecode/eegdino-small-pretrained",  # or -medium-pretrained'),
        "parameters": (4.5, "elsewhere: built with random weights"),
        "sfreq": (200, "EEG-DINO was trained at 200 Hz"),
        "channels": ({"slots": 19}, "input channel ``i`` maps to slot ``i``, so a 19-slot embedding serves any ``n_chans <= 19``"),
        "samples": ({"multiple": 200}, "Inputs whose length is not a multiple of ``patch_size`` are zero-padded with a warning."),
        "scale": ("uV/100", "EEG-DINO was pre-trained on EEG in microvolts scaled by ``1 / 100``."),
        "licence": ("bsd-3-clause", "elsewhere: card on the hub"),
        "corpora": (None, ""),
    },
    "EEGPT": {
        "hub": ("braindecode/eegpt-pretrained", 'EEGPT.from_pretrained("braindecode/eegpt-pretrained")'),
        "parameters": (25, "elsewhere: built with random weights"),
        "sfreq": (256, "elsewhere: 256 in its paper, 250 in the table of Braindecode"),
        "channels": ({"names": "EEGPT_CHANNELS", "else": "another electrode's weights"}, "Falling back to sequential channel IDs for these unknown"),
        "samples": ({"at_least": 64}, "must be >= patch_size"),
        "scale": (None, "elsewhere: mV in its paper, z-score in OpenEEGBench"),
        "licence": (None, ""),
        "corpora": (None, ""),
    },
    "Labram": {
        "hub": ("braindecode/labram-pretrained", 'Labram.from_pretrained("braindecode/labram-pretrained")'),
        "parameters": (5.8, "elsewhere: built with random weights"),
        "sfreq": (200, "Size of the patch, default is 1-seconds with 200Hz."),
        "channels": ({"names": "LABRAM_CHANNEL_ORDER", "else": "no weights"}, "Pass ch_names to forward() per batch, or use"),
        "samples": ({"multiple": 200}, "Size of the patch, default is 1-seconds with 200Hz."),
        "scale": ("uV/100", "elsewhere: code of its authors"),
        "licence": (None, ""),
        "corpora": (None, ""),
    },
    "LUNA": {
        "hub": ("PulpBio/LUNA", '"PulpBio/LUNA", filename="LUNA_base.safetensors"'),
        "weights": ("LUNA_base.safetensors", "**LUNA_base.safetensors** - Base model (embed_dim=64, num_queries=4, depth=8)"),
        "parameters": (7.1, "elsewhere: built with random weights"),
        "sfreq": (256, "elsewhere: configuration of NeuralBench"),
        "channels": ("positions", "topology-invariant EEG model that processes signals from varying numbers of channels"),
        "samples": ({"multiple": 40}, "Number of time samples per patch. Default: 40."),
        "scale": ("z-score", "elsewhere: configuration of NeuralBench"),
        "licence": (None, "elsewhere: the class is apache-2.0"),
        "corpora": ("SEED, TUEG and Siena", "from SEED Pretraining, TUEG, and Siena datasets"),
    },
    "REVE": {
        "hub": ("brain-bzh/reve-base", 'REVE.from_pretrained("brain-bzh/reve-base")'),
        "parameters": (72, "``brain-bzh/reve-base``: 72M parameters"),
        "sfreq": (200, "Input data must be sampled at **200 Hz** to match pretraining."),
        "channels": ("positions", "processing signals of arbitrary length and electrode arrangement"),
        "samples": ({"at_least": 200}, "patch_size : int, default=200"),
        "scale": ("z-score", "z-score normalization followed by clipping at 15 standard deviations"),
        "licence": (None, ""),
        "corpora": ("92 datasets", "**92 datasets** spanning **25,000 subjects**"),
        "first": ("agree to its terms", "you must agree to the data usage terms before downloading"),
    },
    "SignalJEPA": {
        "hub": ("braindecode/signal-jepa", 'SignalJEPA.from_pretrained("braindecode/signal-jepa")'),
        "parameters": (3.5, "elsewhere: built with random weights"),
        "sfreq": (128, "Pre-trained at **128 Hz**"),
        "channels": ({"names": "_PRETRAIN_CHS_INFO", "else": "fresh weights"}, "names are a subset of the pre-training set"),
        "samples": ({"at_least": 192}, "elsewhere: shorter windows fail"),
        "scale": ("uV", "rescaled by a factor of :math:`10^{6}` (volts to microvolts)"),
        "licence": (None, "elsewhere: mit and bsd-3-clause on its two cards"),
        "corpora": ("Lee2019", "`moabb.datasets.Lee2019_SSVEP` subject 1"),
        "variants": (("SignalJEPA_Contextual", "SignalJEPA_PostLocal", "SignalJEPA_PreLocal"), "class SignalJEPA_Contextual(_BaseSignalJEPA)"),
        "first": ("filter 0.5 to 40 Hz", "EEG bandpass-filtered between **0.5 and 40 Hz**"),
    },
    "STEEGFormer": {
        "hub": ("braindecode/STEEGFormer-small", "``braindecode/STEEGFormer-small``"),
        "parameters": (25, "elsewhere: built with random weights"),
        "sfreq": (None, "elsewhere: 250 in the table of Braindecode"),
        "channels": ({"fetched": 145}, "identity channel mapping. Pass `chan_pos_idx` explicitly to align an"),
        "samples": ({"multiple": 16}, "Temporal patch size (unfold), default 16."),
        "scale": (None, ""),
        "licence": ("mit", "(``LiuyinYang1101/STEEGFormer``, MIT)"),
        "corpora": (None, ""),
    },
    "ZUNA": {
        "hub": ("Zyphra/ZUNA1.1", "elsewhere: its authors"),
        "parameters": (172, "elsewhere: built with random weights"),
        "sfreq": (256, "ZUNA1.1 was trained at 256 Hz with 32-sample tokens"),
        "channels": ("positions", "Channel coordinates are read from ``chs_info``"),
        "samples": ({"multiple": 32}, "``n_times`` must be divisible by this value. The default is ``32``"),
        "scale": (None, "This implementation does not resample, filter, or normalize the input."),
        "licence": (None, "elsewhere: the class is apache-2.0"),
        "corpora": (None, ""),
    },
}
# fmt: on


@dataclass(frozen=True)
class Family:
    """What is known about the windows behind published weights; None where nobody states it.

    Attributes
    ----------
    name, hub : str
        Class in Braindecode, and id of the weights.
    parameters : float
        In millions.
    sfreq : float or None
        In Hz.
    channels : str or dict
        A rule of :data:`FACTS`; lists of names are filled in.
    samples : dict
        ``multiple`` or ``at_least``, at ``sfreq``.
    scale, licence, corpora, first : str or None
        Of the windows, of the weights, trained on what, and what has to be done before all else.
    variants : tuple of str
        Classes that take the same weights.
    weights : str
        Name of their file.
    """

    name: str
    hub: str
    parameters: float
    sfreq: float | None
    channels: str | dict
    samples: dict
    scale: str | None
    licence: str | None
    corpora: str | None
    first: str | None = None
    variants: tuple = ()
    weights: str = WEIGHTS


@functools.cache
def families():
    """All of them.

    Returns
    -------
    dict of str to Family
        By name of the class.
    """
    known = {}
    for name, facts in FACTS.items():
        values = {key: value for key, (value, _) in facts.items()}
        if isinstance(values["channels"], dict):
            rules = values["channels"].items()
            values["channels"] = {rule: _filled_in(name, value) for rule, value in rules}
        known[name] = Family(name, **values)
    return known


def _filled_in(family, value):
    """What a rule says; for the name of a list in the module of a class, the channels in its order."""
    if not str(value).isupper():
        return value
    channels = getattr(importlib.import_module(models_dict[family].__module__), value)
    return tuple(
        channel["ch_name"] if isinstance(channel, dict) else channel for channel in channels
    )


def family_of(name):
    """The family of a class or of an id on the hub.

    Parameters
    ----------
    name : str
        Name of the class, or the id.

    Returns
    -------
    Family or None
        None where it has no published weights.
    """
    for family in families().values():
        if name in (family.name, family.hub, *family.variants):
            return family
    return None


def scale_of(kind):
    """Scale of the windows behind the published weights of a class.

    Parameters
    ----------
    kind : str
        Name of the class.

    Returns
    -------
    str or None
        A key of ``_model.fit.SCALES``; None where there are no such weights, or nobody says it.
    """
    family = family_of(kind)
    return family and family.scale
