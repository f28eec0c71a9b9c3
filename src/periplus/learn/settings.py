"""The settings of an experiment, one frozen class a section of its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from periplus.errors import UsageError
from periplus.learn.geo_settings import GeolocationConfig, LocationSettings
from periplus.learn.strict import setting

Objective = Literal["classification", "contrastive", "joint", "triplet", "infonce", "arcface", "cosface", "geolocation"]
CLASSIFIERS = ("classification", "joint", "arcface", "cosface")
"""The objectives that learn a weight vector a landmark."""
POSITIONAL = ("geolocation",)
"""The objectives that learn positions."""
LABEL_MONITORS = ("map_at_100", "recall_at_1", "accuracy", "loss")
POSITION_MONITORS = ("within_200km", "within_750km", "within_2500km", "median_km", "accuracy", "loss")
SMALLER_IS_BETTER = ("loss", "median_km")
VALIDATION = "validation"
"""The split of photos that are held out."""


@dataclass(frozen=True)
class AboutConfig:
    """[experiment]: its name and a sentence on it."""

    name: str
    about: str = ""


@dataclass(frozen=True)
class DataConfig:
    """[data]: which photos, and how they are split.

    Attributes:
        source: a folder, a table or ``name:path``, as every verb takes it.
        label: the catalog's column that is learnt.
        public, private: query photos, as a count (1 or more) or as a share of all photos (less than 1).
        index_only: share of the gallery photos that are not trained on.
        validation: training photos that are held out to choose the best checkpoint; a count or a share, too.
        validation_split: the catalog's split whose photos are held out instead; for objectives that learn positions.
        test_split: the catalog's split whose photos are located in the end, and never seen before; likewise.
        seed: of the split.
        gallery: the splits that are searched.
        findings: a table of findings by ``periplus audit``; empty for none.
        drop: photos with one of these findings are left out.
        stored_px: side of the square in which training photos are kept in memory; 0 for the model's size.
        fit: how a photo becomes that square: both sides squeezed, or the shorter one fitted and the middle cut out.
        budget_mb: above this the photos are read again whenever they are needed, by ``train.workers``.
    """

    source: str
    label: str = "landmark"
    public: float = setting(350.0, least=0)
    private: float = setting(650.0, least=0)
    index_only: float = setting(0.2, least=0, most=1)
    validation: float = setting(0.05, least=0)
    validation_split: str = ""
    test_split: str = ""
    seed: int = setting(0, least=0)
    gallery: tuple[str, ...] = ("train", "index")
    findings: str = ""
    drop: tuple[str, ...] = ()
    stored_px: int = setting(0, least=0, most=4096)
    fit: Literal["exact", "shortest"] = "shortest"
    budget_mb: int = setting(4096, least=0)

    def __post_init__(self) -> None:
        """Check that findings have a use and that a test is one."""
        if "train" in (self.validation_split, self.test_split):
            raise UsageError("data.validation_split and data.test_split name other splits than 'train'.")
        if self.test_split and self.test_split == self.validation_split:
            raise UsageError(f"data.test_split {self.test_split!r} is seen in training: take another split.")
        if bool(self.findings) != bool(self.drop):
            raise UsageError("data.findings and data.drop go together: which photos are left out, for which finding.")


@dataclass(frozen=True)
class ModelConfig:
    """[model]: the network and where its weights come from.

    Attributes:
        name: a known architecture, or a hub name.
        weights: ``"random"``, ``"hub"``, ``"run:NAME"`` (the best checkpoint of another run beside this one), or
            a folder with a checkpoint.
        pooling: how a feature map becomes a vector.
        gem_p: exponent of generalised mean pooling.
        projection_dim: size of a linear projection of the pooled vector; 0 for none.
        image_size_px: side of the square that the network sees.
        location: the other tower, of objectives that learn positions.
    """

    name: str = "efficientnet_b0"
    weights: str = "random"
    pooling: Literal["auto", "mean", "gem", "cls"] = "auto"
    gem_p: float = setting(3.0, above=0, most=100)
    projection_dim: int = setting(0, least=0, most=65536)
    image_size_px: int = setting(224, least=8, most=4096)
    location: LocationSettings = field(default_factory=LocationSettings)


@dataclass(frozen=True)
class LossConfig:
    """[train.loss]: the parameters of the objectives; each reads only its own.

    Attributes:
        label_smoothing: of cross-entropy.
        contrastive: which formula: ``radenovic``, ``materarbeit`` or ``pml``.
        margin: of the objective; 0 takes the objective's published value.
        positive_margin, negative_margin: of the contrastive formula ``pml``.
        joint_weight: share of cross-entropy in ``joint``; the contrastive loss has the rest.
        scale: of arcface and cosface logits.
        margin_warmup: share of the training in which an arcface or cosface margin grows to its full value.
        temperature: of infonce.
        positives: whether infonce takes each positive pair apart (NT-Xent) or all of an anchor together (SupCon).
        miner: which triplets of a batch count in ``triplet``: all, each anchor's hardest, or the semi-hard ones.
    """

    label_smoothing: float = setting(0.0, least=0, most=0.99)
    contrastive: Literal["radenovic", "materarbeit", "pml"] = "radenovic"
    margin: float = setting(0.0, least=0)
    positive_margin: float = setting(0.0, least=0)
    negative_margin: float = setting(1.0, least=0)
    joint_weight: float = setting(0.5, least=0, most=1)
    scale: float = setting(0.0, least=0)
    margin_warmup: float = setting(0.0, least=0, most=1)
    temperature: float = setting(0.07, above=0)
    positives: Literal["ntxent", "supcon"] = "supcon"
    miner: Literal["none", "hard", "semihard"] = "none"


@dataclass(frozen=True)
class SamplerConfig:
    """[train.sampler]: which photos meet in a batch.

    Attributes:
        kind: ``shuffle``; ``m_per_class``; or ``hard``: queries, each with a positive and its hard negatives.
        m: photos of each landmark in a batch of ``m_per_class``.
        pool: photos that are embedded anew each epoch to find hard negatives among; 0 for all.
        per_query: hard negatives of a query, at most one a landmark.
    """

    kind: Literal["shuffle", "m_per_class", "hard"] = "shuffle"
    m: int = setting(4, least=2)
    pool: int = setting(20_000, least=0)
    per_query: int = setting(5, least=1)


@dataclass(frozen=True)
class AugmentConfig:
    """[train.augment]: how training photos are changed; ``none = true`` leaves them as they are.

    Attributes:
        none: no change at all.
        min_area: the smallest share of the picture that a random crop keeps.
        aspect: natural logarithm of the largest change of a crop's aspect ratio.
        rotation_deg: the largest turn.
        flip: probability of mirroring left and right.
        brightness, contrast, saturation: largest relative change.
        erase: probability of blanking a rectangle.
        erase_min, erase_max: its sides as shares of the picture's.
        mixup: alpha of the Beta distribution that two photos are mixed with; 0 for never.
    """

    none: bool = False
    min_area: float = setting(0.3, above=0, most=1)
    aspect: float = setting(0.25, least=0, most=2)
    rotation_deg: float = setting(15.0, least=0, most=180)
    flip: float = setting(0.5, least=0, most=1)
    brightness: float = setting(0.4, least=0, most=1)
    contrast: float = setting(0.4, least=0, most=1)
    saturation: float = setting(0.6, least=0, most=1)
    erase: float = setting(0.25, least=0, most=1)
    erase_min: float = setting(0.15, above=0, most=1)
    erase_max: float = setting(0.45, above=0, most=1)
    mixup: float = setting(0.0, least=0)


@dataclass(frozen=True)
class TrainConfig:
    """[train]: the training itself.

    Attributes:
        objective: what is minimised.
        batch_size: photos a forward pass, over all processes together.
        workers: threads that read photos when they do not fit into memory; 0 for one a core.
        trial: the seed of everything random in training.
        lr: learning rate after warming up.
        opt_eps: epsilon of Adam.
        output_dir: folder of runs; a run is written to ``output_dir/NAME``.
        start_epoch: epoch to start at, as if those before it were done.
        epochs: passes over the photos, those before ``start_epoch`` counted.
        resume: go on from the run's last state where there is one.
        model_path: a folder with a checkpoint to start from; takes the place of ``model.weights``.
        optimizer, momentum, weight_decay: momentum is SGD's (Nesterov); weights of one dimension never decay.
        schedule: of the learning rate: constant, cosine to zero, or times ``step_factor`` every ``step_epochs``.
        warmup_epochs: epochs in which the rate grows linearly from zero.
        precision: of the network's arithmetic; bfloat16 falls back to float32 where the processor lacks it.
        accumulate: forward passes an optimizer step.
        clip_norm: largest norm of the gradient; 0 for no limit.
        early_stopping_epochs: stop after so many epochs without a better value; 0 for never.
        monitor: the validation value that decides; larger is better, except for ``loss`` and ``median_km``.
        keep_best: how many of the best epochs are kept.
        ema: decay of the moving average of the weights; 0 for none.
        image_sizes_px: sizes in turn over equal parts of the training; empty for the model's size throughout.
        state_every_steps: optimizer steps between two saved states inside an epoch; 0 for epochs' ends only.
        log_every_steps: optimizer steps between two lines of metrics; 0 for epochs only.
        threads: of the processor; 0 for one a core.
        device: ``auto``, ``cpu`` or ``cuda``.
        augment, loss, geolocation, sampler: tables of their own.
    """

    objective: Objective = "classification"
    batch_size: int = setting(64, least=1)
    workers: int = setting(0, least=0)
    trial: int = setting(0, least=0)
    lr: float = setting(1.5e-4, above=0)
    opt_eps: float = setting(1e-8, above=0)
    output_dir: str = "runs"
    start_epoch: int = setting(0, least=0)
    epochs: int = setting(20, least=1)
    resume: bool = False
    model_path: str = ""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    momentum: float = setting(0.9, least=0, most=1)
    weight_decay: float = setting(0.0, least=0)
    schedule: Literal["constant", "cosine", "step"] = "constant"
    step_epochs: int = setting(10, least=1)
    step_factor: float = setting(0.1, above=0, most=1)
    warmup_epochs: float = setting(0.0, least=0)
    precision: Literal["float32", "bfloat16"] = "float32"
    accumulate: int = setting(1, least=1)
    clip_norm: float = setting(0.0, least=0)
    early_stopping_epochs: int = setting(0, least=0)
    monitor: Literal[
        "map_at_100", "recall_at_1", "accuracy", "loss", "within_200km", "within_750km", "within_2500km", "median_km"
    ] = "map_at_100"
    keep_best: int = setting(1, least=1)
    ema: float = setting(0.0, least=0, most=0.99999)
    image_sizes_px: tuple[int, ...] = setting((), least=8, most=4096)
    state_every_steps: int = setting(500, least=0)
    log_every_steps: int = setting(20, least=0)
    threads: int = setting(0, least=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    geolocation: GeolocationConfig = field(default_factory=GeolocationConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)

    def __post_init__(self) -> None:
        """Check what no single setting can know."""
        if self.start_epoch >= self.epochs:
            raise UsageError(f"train.start_epoch {self.start_epoch} must lie before train.epochs {self.epochs}.")
        if self.sampler.kind == "m_per_class" and self.batch_size % self.sampler.m:
            raise UsageError(
                f"train.batch_size {self.batch_size} must be a multiple of train.sampler.m {self.sampler.m}."
            )
        if self.augment.mixup and self.objective != "classification":
            raise UsageError(
                f"train.augment.mixup is for the objective 'classification'; in {self.objective!r} a mixed photo "
                "would belong to two landmarks at once. Set it to 0."
            )
        if self.augment.erase_min > self.augment.erase_max:
            raise UsageError("train.augment.erase_min must not exceed train.augment.erase_max.")
        if self.loss.miner != "none" and self.objective != "triplet":
            raise UsageError(f"train.loss.miner {self.loss.miner!r} chooses triplets; {self.objective!r} has none.")
        fitting = POSITION_MONITORS if self.objective in POSITIONAL else LABEL_MONITORS
        if self.monitor not in fitting:
            raise UsageError(
                f"train.monitor {self.monitor!r} is not measured with the objective {self.objective!r}; "
                f"take one of {', '.join(fitting)}."
            )
        if self.monitor == "accuracy" and self.objective not in (*CLASSIFIERS, *POSITIONAL):
            raise UsageError(f"train.monitor 'accuracy' needs a classifier, which {self.objective!r} has not.")
