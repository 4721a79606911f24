"""The shared model: an autoencoder made from any encoder and decoder, trained, saved and loaded as one model."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from zoo.autoencoder.fitting import TrainableModel
from zoo.autoencoder.internals import all_layers
from zoo.autoencoder.precision import restore_policies, training_policy
from zoo.environment import check_clock
from zoo.notebooks import show_size, show_table, show_title
from zoo.shown import show


@keras.saving.register_keras_serializable(package="zoo")
class AutoEncoder(TrainableModel):
    """A variational autoencoder (Kingma and Welling 2014).

    The objective, in nats, is the mean over the batch of: the sum over pixels and channels of -log p(x|z), plus
    ``kl_weight`` times the sum over latents of KL(q(z|x) || N(0, I)). Images go in as uint8 in 0..255 or float in
    [0, 1]; ``model(x)``, ``predict(x)`` and ``reconstruct(x)`` return the mean image in [0, 1] through the posterior
    mean.

    It is the last in a chain of classes, each of which calls only itself and its ancestors: ``PairedModel`` (encoder,
    decoder and likelihood), ``LatentModel`` (encode, decode, sample), ``EvidenceModel`` (the bounds and the objective),
    ``AdjustableModel`` (the objective's settings), ``CompiledModel`` (``compile``), ``SteppedModel`` (the steps),
    ``DeviceModel`` (many of them at a time), ``BatchModel`` and ``TrainableModel`` (Keras' loops), and this one, which
    can be saved.

    Args:
        encoder: a built functional or Sequential model: images ``(batch, H, W, C)``, float32 in [0, 1], to
            ``(mean, std)`` of a diagonal Gaussian, each ``(batch, *latent_shape)``; for a ``point`` to z itself.
        decoder: likewise: z ``(batch, *latent_shape)`` to the likelihood's raw parameters ``(batch, H, W,
            likelihood.output_channels(C))``.
        likelihood: a name, a ``zoo.likelihoods.Likelihood`` or a plain Keras loss.
        binarization: ``none``; ``threshold`` at one half; or ``dynamic``: each value is drawn as 0 or 1 with its grey
            level as the probability, redrawn in training, from a fixed seed in evaluation; reconstructions threshold.
        seed: the seed for the draws of z.
        provenance: the plugins that the model comes from, stored in saved files.
        **kwargs: ``name``, ``dtype`` and ``trainable`` of a Keras model.

    Attributes:
        posterior: what the encoder returns: ``gaussian``, two tensors ``(mean, std)``; or, in a subclass, ``point``:
            one tensor, the z that has all the posterior's mass. Its standard deviation is then zero everywhere, and the
            subclass must define ``elbo_terms``, since the KL divergence from a Gaussian prior is infinite; or
            ``hierarchical``, features of the image, as in ``zoo.HierarchicalAutoEncoder``.

    Raises:
        ValueError: encoder, decoder and likelihood do not fit together.
    """

    def __repr__(self) -> str:
        if not hasattr(self, "likelihood"):  # While it is being made.
            return object.__repr__(self)
        facts = dict(self._facts())
        return (
            f"{type(self).__name__}({facts['model']}: {facts['images']} to {facts['latent']}, {facts['likelihood']}, "
            f"{facts['parameters']} parameters)"
        )

    def _repr_html_(self) -> str:
        return show_title(type(self).__name__) + show_table((), self._facts())

    def _facts(self) -> list[tuple[str, str]]:
        """Return what the model is, as names and texts."""
        provenance = self.provenance or {}
        parts = [(provenance.get(part) or {}).get("architecture") for part in ("encoder", "decoder")]
        architectures = " and ".join(dict.fromkeys(str(part) for part in parts if part))
        count = sum(math.prod(weight.shape) for part in (self.encoder, self.decoder) for weight in part.weights)
        binarization = [("binarization", self.binarization)] if self.binarization != "none" else []
        return [
            ("model", str(provenance.get("preset") or architectures or self.name)),
            ("images", show_size(self.image_shape)),
            ("latent", show_size(self.latent_shape)),
            ("likelihood", self.likelihood.identifier),
            *binarization,
            *([("labels", f"{self.classes} classes")] if self.takes_labels else []),
            ("parameters", f"{count:,}"),
            *self._show_weights(),
        ]

    def _show_weights(self) -> list[tuple[str, str]]:
        """Return which trained weights it has, or began with; nothing if it has none."""
        shown = []
        for key, title in (("weights", "weights"), ("started_from", "started from the weights")):
            found = (self.provenance or {}).get(key)
            if isinstance(found, dict):
                facts = [str(found.get(name))[:200] for name in ("tag", "sha256", "source")]
                shown.append((title, f"{facts[0]}, SHA-256 {facts[1][:12]}..., from {facts[2]}"))
        return shown

    def summary(self, *args: Any, print_fn: Callable[[str], Any] | None = None, **kwargs: Any) -> None:
        """Print a table of the layers as ``keras.Model.summary`` does, and which trained weights the model has."""
        super().summary(*args, print_fn=print_fn, **kwargs)
        for title, text in self._show_weights():
            (print_fn or print)(show(f"{title}: {text}"))

    def save(self, filepath: str | Path, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Save the entire model as ``keras.Model.save`` does, in Keras' format, which ``zoo.load_model`` reads.

        Args:
            filepath: a file name ending in ``.keras``.
            overwrite: whether to replace an existing file; otherwise Keras asks.
            zipped: whether the file is a ZIP archive, as ``zoo.load_model`` expects; None means True.
            **kwargs: further arguments of ``keras.Model.save``.

        Raises:
            ValueError: the name does not end in ``.keras``, or a layer of its own was quantised and does not record it,
                or the clock shows a year before 1980 or after 2107.
        """
        check_clock()
        if not str(filepath).endswith(".keras"):
            raise ValueError(f"{filepath}: expected a name ending in .keras (the older formats lose the objective)")
        for part in (self.encoder, self.decoder):
            _check_quantised(part)
        super().save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def export(
        self, filepath: str | Path, format: str = "tf_saved_model", verbose: Any = None, input_signature: Any = None,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Export the reconstruction as ``keras.Model.export`` does, whether the model was called before or not.

        ``zoo.export`` exports the parts as well, and checks what it has written.

        Args:
            filepath: the file, or the folder of a SavedModel.
            format: one of Keras' formats.
            verbose: whether Keras prints where it is.
            input_signature: the images' shape and type, as Keras takes it; by default any number of images, float32 in
                [0, 1]. A SavedModel made on TensorFlow takes uint8 in 0..255 too.
            **kwargs: as Keras takes them.
        """
        if input_signature is None and format == "tf_saved_model" and keras.backend.backend() == "tensorflow":
            return self._export_saved_model(filepath, verbose)
        if input_signature is None:
            input_signature = [self.input_spec_of("float32")]
        return super().export(filepath, format, verbose=verbose, input_signature=input_signature, **kwargs)

    def input_spec_of(self, dtype: str) -> Any:
        """Return what a call of the model takes, as ``keras.InputSpec``, for images of a type."""
        return keras.InputSpec(dtype=dtype, shape=(None, *self.image_shape), name="images")

    def _export_saved_model(self, filepath: str | Path, verbose: Any) -> None:
        import tensorflow as tf

        serve = tf.function(lambda images: self(images, training=False))
        for dtype in ("float32", "uint8"):
            specs = keras.tree.map_structure(
                lambda it: tf.TensorSpec(it.shape, it.dtype, name=it.name), self.input_spec_of(dtype)
            )
            serve.get_concrete_function(specs)
        archive = keras.export.ExportArchive()
        archive.track(self)
        archive.add_endpoint("serve", serve)
        archive.write_out(str(filepath), verbose=True if verbose is None else verbose)

    def get_config(self) -> dict[str, Any]:
        """Return the parts and settings of the model."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "likelihood": keras.saving.serialize_keras_object(self.own_likelihood),
            # A model that is loaded without compiling predicts as it was trained.
            "loss": None
            if self.likelihood is self.own_likelihood
            else keras.saving.serialize_keras_object(self.likelihood),
            "binarization": self.binarization,
            "seed": self.seed,
            "provenance": self.provenance,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> AutoEncoder:
        """Rebuild the model from the result of ``get_config``."""
        config = dict(config)
        for part in ("encoder", "decoder"):
            if isinstance(config.get(part), dict):
                with training_policy():
                    # A copy, because Keras modifies the configuration that it reads.
                    model = keras.saving.deserialize_keras_object(copy.deepcopy(config[part]), custom_objects)
                restore_policies(model, config[part])
                config[part] = model
        for part in ("likelihood", "loss", "dtype"):
            if isinstance(config.get(part), dict):
                config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects)
        loss = config.pop("loss", None)
        model = cls(**config)
        if loss is not None:
            model.likelihood = model.check_likelihood(loss)
        return model


def _check_quantised(part: keras.Model) -> None:
    """Raise ``ValueError`` if a part that was quantised would not be rebuilt with the weights that it has now."""
    layers = list(all_layers(part))
    if all(layer.quantization_mode is None for layer in layers):
        return
    again = keras.saving.deserialize_keras_object(copy.deepcopy(keras.saving.serialize_keras_object(part)))
    restore_policies(again, keras.saving.serialize_keras_object(part))
    for layer, rebuilt in zip(part.layers, again.layers, strict=True):
        before, after = ([(tuple(w.shape), w.dtype) for w in it.weights] for it in (layer, rebuilt))
        if before != after:
            raise ValueError(
                f"the layer {layer.name} ({type(layer).__name__}) has layers of its own that were quantised, and its "
                "get_config does not record their dtype policies, so a file of it could not be loaded: return them "
                "from get_config, or save the model before quantising it"
            )
