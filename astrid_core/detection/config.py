"""What scoring and training may choose."""

from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration

MODEL_NAME = "astrid-detection"
"""The registered name of the network that scores candidates."""

PRECISIONS = ("float32", "mixed_bfloat16")
"""Of the arithmetic of training; weights and scores are float32 all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectConfig:
    """Settings of the scoring of candidates."""

    max_masked_fraction: float = 0.5
    """A candidate gets no score where more than this part of the disc of one FWHM around it is masked or outside the
    frame.
    """
    max_masked_stamp: float = 0.7
    """The same for its whole stamp. In a corner of the frame up to three quarters of a stamp are outside, while all
    of the candidate's light may be inside.
    """

    def __post_init__(self) -> None:
        for name in ("max_masked_fraction", "max_masked_stamp"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise BadConfiguration(f"{name} must lie in (0, 1)", got=getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Settings of the training of a network, from frames to the floors that it must reach."""

    seed: int = 1
    """Of the simulated frames, the choice among faint candidates, the first weights and the order of stamps."""
    n_frames: int = 24
    """Simulated pairs; each belongs as a whole to training, validation or test."""
    frame_pix: int = 512
    """Side of a simulated frame."""
    n_quiet: int = 60
    """Further pairs between which nothing changes, to learn what an ordinary sky offers that is false; a fifth of them
    validates and a fifth calibrates.
    """
    quiet_pix: int = 1024
    """Side of these."""
    threshold_sigma: float = 3.8
    """Candidates of training frames; lower than in production, so that its threshold is no edge of what was learnt."""
    max_faint_per_frame: int = 40
    """Of the false candidates below 5 sigma, which are nearly all noise, at most this many are kept."""
    real_fraction: float = 0.4
    """Part of the candidates that is real where the network is to be used: examples are weighted to it, because frames
    to learn from show far more changes than the sky does.
    """
    validation_fraction: float = 0.12
    """Frames that decide when to stop."""
    calibration_fraction: float = 0.25
    """Frames that decide how logits become probabilities."""
    test_fraction: float = 0.17
    """Frames that only measure."""
    stamp_pix: int = 64
    """Side of what the network sees around a candidate; a multiple of 8. From 64 on it sees of a whole frame the same.
    """
    real_weight: float = 2.0
    """Weight of an object of which there are real triplets, where there are any, beside that of a simulated candidate:
    few labels that weigh much teach their accidents.
    """
    hard_fraction: float = 0.1
    """Part of the false examples that the network takes most for real after an epoch: they are its hard ones."""
    hard_weight: float = 1.5
    """Weight of hard examples beside other false ones in the next epoch; 1 for none."""
    triplet_fraction: float = 0.5
    """Part of the steps of training that show candidates as triplets, without noise map and score image."""
    channels: int = 16
    """Of the first level of the network, at half resolution."""
    epochs: int = 8
    """Training stops after this many at the latest."""
    patience: int = 4
    """Epochs without a better validation loss before training stops."""
    batch_size: int = 64
    """Stamps per step of the optimiser."""
    learning_rate: float = 2e-3
    """At its highest: it rises to this first and falls then."""
    precision: str = "float32"
    """Of the arithmetic of training; mixed_bfloat16 for a GPU."""
    weight_decay: float = 1e-4
    """Of the optimiser."""
    pixel_loss_weight: float = 0.5
    """Weight of the pixel classes beside the score of the candidate."""
    min_completeness: float = 0.95
    """Of real test candidates with abs(S_corr) >= 8, the part that must score 0.5 or more."""
    max_false_per_4mpix: float = 9.0
    """False test candidates above 5 sigma that score 0.5 or more, per 4 Mpix searched; one of them on the 1.0 Mpix of
    four frames counts 4, and two may be chance.
    """
    min_auc: float = 0.95
    """Area under the receiver operating curve of the validation frames: test frames, spoilt by nothing, show too little
    that is false to measure it.
    """
    max_ece: float = 0.1
    """Expected calibration error of the test candidates."""

    def __post_init__(self) -> None:
        for name, least in (("n_frames", 4), ("n_quiet", 0), ("quiet_pix", 128)):
            if getattr(self, name) < least:
                raise BadConfiguration(f"{name} must be at least {least}", got=getattr(self, name))
        self._require_shapes()
        if not 0.0 < self.real_fraction < 1.0 or not 0.0 <= self.triplet_fraction <= 1.0:
            raise BadConfiguration(
                "real_fraction must lie in (0, 1) and triplet_fraction in [0, 1]",
                real_fraction=self.real_fraction,
                triplet_fraction=self.triplet_fraction,
            )
        if self.precision not in PRECISIONS:
            raise BadConfiguration(f"precision must be one of {', '.join(PRECISIONS)}", got=self.precision)
        if not 0.0 < self.real_weight <= 100.0:
            raise BadConfiguration("real_weight must lie in (0, 100]", got=self.real_weight)
        for name in ("channels", "epochs", "patience", "batch_size", "max_faint_per_frame"):
            if getattr(self, name) < 1:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        if not 0.0 < self.hard_fraction <= 1.0 or self.hard_weight < 1.0:
            raise BadConfiguration(
                "hard_fraction must lie in (0, 1] and hard_weight must be at least 1",
                hard_fraction=self.hard_fraction,
                hard_weight=self.hard_weight,
            )
        if self.threshold_sigma < 3.0:
            raise BadConfiguration("threshold_sigma must be at least 3", got=self.threshold_sigma)

    def _require_shapes(self) -> None:
        if self.stamp_pix < 32 or self.stamp_pix % 8:
            raise BadConfiguration("stamp_pix must be a multiple of 8 and at least 32", got=self.stamp_pix)
        if self.frame_pix < 4 * self.stamp_pix:
            raise BadConfiguration("frame_pix must be at least four stamps", got=self.frame_pix)
        apart = self.validation_fraction + self.calibration_fraction + self.test_fraction
        if not 0.0 < apart < 1.0:
            raise BadConfiguration("validation, calibration and test must leave frames to train on", got=apart)
