"""``zoo.samplers.fit``: a sampler by name, fitted to a model and images."""

from __future__ import annotations

import re
from typing import Any

from zoo.autoencoder.checks.labels import refuse_conditional
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.model import AutoEncoder
from zoo.compression.fingerprint import describe_weights, name_of
from zoo.data.dataset import Split
from zoo.errors import UnknownNameError
from zoo.evaluation.scores import check_count
from zoo.samplers.code_prior import CodePrior
from zoo.samplers.draws import PosteriorDraws
from zoo.samplers.flow import MaskedAutoregressiveFlow
from zoo.samplers.gaussian_mixture import GaussianMixture
from zoo.samplers.prior import Prior
from zoo.samplers.sampler import FORMAT, Facts, Sampler, Settings
from zoo.samplers.training import MOST_EPOCHS
from zoo.samplers.two_stage import TwoStage
from zoo.version import __version__

KINDS: dict[str, type[Sampler]] = {
    kind.name: kind for kind in (Prior, GaussianMixture, TwoStage, MaskedAutoregressiveFlow, CodePrior)
}
SAMPLERS = tuple(KINDS)
_NAME = re.compile(r"([a-z_]+)(?::(\d{1,9}))?")


def fit(
    model: AutoEncoder,
    data: Any,
    sampler: str = Prior.name,
    *,
    seed: int = 0,
    epochs: int | None = None,
    progress: bool = False,
) -> Sampler:
    """Fit a distribution of latents to a trained model, to draw better images than from its prior.

    The prior is what the posteriors of all images together, the aggregate posterior, should be like, and are not: where
    it has mass and they have none, the decoder has never learned what to draw. So each of these but the prior is fitted
    to draws from the posteriors of the images given.

    Args:
        model: a trained model. With a posterior of a single point, as a plain autoencoder has, the draws are its
            latents.
        data: a split, at best that which the model was trained on, or images ``(n, H, W, C)``.
        sampler: what to fit:

            - ``prior``: the model's prior; nothing is fitted.
            - ``gaussian_mixture``, or with a number of components ``gaussian_mixture:10``: Gaussians with full
              covariances (Ghosh et al. 2020), by scikit-learn.
            - ``two_stage``: a second autoencoder on the latents (Dai and Wipf 2019).
            - ``masked_autoregressive_flow``: a normalising flow (Papamakarios et al. 2017).
            - ``code_prior``: for models of codes alone, probabilities of each code given those before it (van den Oord
              et al. 2017). Its ``score`` gives -log p(x) with them.
        seed: of all draws; equal seeds give equal samplers on the same backend.
        epochs: how often the images are gone through, for those that are trained; by default 40, and 20 for codes.
        progress: show progress on stderr.

    Returns:
        The sampler.

    Raises:
        UnknownNameError: there is no such sampler.
        ValueError: images that the model does not accept, an argument out of range, or a sampler that has no meaning
            for the model: for codes a density has none, nor has any but the prior for hierarchical models, which learn
            theirs.
        BackendError: scikit-learn is not installed.
    """
    kind, number = choose(sampler)
    seed = check_count("seed", seed, 2**32 - 1)
    if epochs is not None:
        if not kind.trains:
            raise ValueError(f"epochs is {epochs!r}, but {kind.name} is not trained: leave it out")
        if check_count("epochs", epochs, MOST_EPOCHS) == 0:
            raise ValueError(f"epochs is {epochs!r}: expected a whole number of at least 1")
    if not isinstance(model, AutoEncoder):
        raise TypeError(
            f"model is {model!r}: expected a zoo.AutoEncoder, as zoo.create_model or zoo.load_model returns"
        )
    check_meaning(model, kind)
    images = model.check_array(data)
    check_weights(model)
    settings = Settings(number, epochs, seed, progress)
    options, arrays = kind.learn(model, PosteriorDraws(model, images, seed), settings)
    split = data if isinstance(data, Split) else None
    facts = Facts(
        format=FORMAT,
        sampler=kind.name,
        options=options,
        preset=name_of(model) or None,
        weights=describe_weights(model),
        latent_shape=model.latent_shape,
        dataset=split.dataset if split is not None else None,
        part=split.part if split is not None else None,
        images=len(images),
        seed=seed,
        zoo=__version__,
    )
    return kind.restore(model, facts, arrays)


def choose(sampler: str) -> tuple[type[Sampler], int | None]:
    """Return the kind of sampler that a name stands for, and the number that it has.

    Raises:
        UnknownNameError: there is no such sampler.
        ValueError: it takes no number.
    """
    found = _NAME.fullmatch(sampler) if isinstance(sampler, str) else None
    kind = KINDS.get(found[1]) if found is not None else None
    if found is None or kind is None:
        raise UnknownNameError(f"no sampler {sampler!r}: expected one of {', '.join(SAMPLERS)}")
    if found[2] is not None and not kind.takes_number:
        raise ValueError(f"the sampler {sampler!r} has a number: expected {kind.name} alone")
    return kind, None if found[2] is None else int(found[2])


def check_meaning(model: AutoEncoder, kind: type[Sampler]) -> None:
    """Raise ``ValueError`` if a sampler has no meaning for a model's latents."""
    refuse_conditional(model, "a sampler")
    if kind is Prior:
        return
    quantised = hasattr(model, "code_indices")
    if quantised and not kind.of_codes:
        raise ValueError(
            f"{kind.name} is a density, and the latents of {type(model).__name__} are codes: choose {Prior.name} or "
            f"{CodePrior.name}"
        )
    if kind.of_codes and not quantised:
        others = ", ".join(name for name, other in KINDS.items() if not other.of_codes)
        raise ValueError(
            f"{kind.name} is for codes, and the latents of {type(model).__name__} are real numbers: choose one of "
            f"{others}"
        )
    if model.posterior == "hierarchical":
        raise ValueError(
            f"{kind.name} has no meaning for {type(model).__name__}: its groups of latents have learned their prior, "
            f"each given those above it: choose {Prior.name}"
        )
