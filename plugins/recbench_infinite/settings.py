"""How Distill-CF learns. This module imports no numerics: the spec takes its defaults from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """How fake users are learned; each field is a parameter of the sampler."""

    samples: int = 200  # items that a fake user is drawn with, with replacement; no more than a quarter of all
    scaled: bool = True  # samples and learning rate grow with the items beyond 4,000; they are constant as published
    draws: int = 10  # Gumbel-softmax draws they are estimated from: samples is as published
    temperature: float = 10.0
    cardinality: float = 1e-3  # weight of the mean length of a fake row, relative to that of a real one
    learning_rate: float = 0.04
    steps: int = 150
    patience: int = 150  # steps without a better validation
    batch_users: int = 1024  # real users a step
    validation_users: int = 10_000  # at most, who choose the ridge and the step
