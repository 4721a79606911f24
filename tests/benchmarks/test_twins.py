"""The networks that are timed against ours are the same functions of the same weights."""

import numpy as np
import pytest
from keras import ops

import zoo
from zoo.factory.assemble import parameter_count

NETWORKS = [("small_cnn", (28, 28, 1)), ("deep_cnn", (32, 32, 3)), ("residual", (32, 32, 3))]
LATENTS = 5
RNG = np.random.default_rng(0)


def make(network, shape):
    """Return our model with weights none of which is at its initial value, images and z."""
    model = zoo.create_model(network, image_shape=shape, latent_dim=LATENTS, likelihood="bernoulli", seed=0)
    for part in (model.encoder, model.decoder):
        part.set_weights([weight * 0.9 + RNG.uniform(0, 0.1, weight.shape) for weight in part.get_weights()])
    return model, RNG.uniform(size=(4, *shape)).astype("float32"), RNG.normal(size=(4, LATENTS)).astype("float32")


def check(ours, theirs):
    ours, theirs = (np.asarray(ops.convert_to_numpy(it)) for it in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * max(1.0, np.abs(ours).max()))


@pytest.mark.parametrize(("network", "shape"), NETWORKS)
def test_keras(network, shape):
    twins = pytest.importorskip("keras_twins")
    model, images, z = make(network, shape)
    encoder, decoder = twins.NETWORKS[network](shape[0], shape[2], LATENTS)
    for ours, theirs in ((model.encoder, encoder), (model.decoder, decoder)):
        theirs.set_weights(ours.get_weights())
    mean, log_variance = encoder(images)
    for ours, theirs in zip(model.encoder(images), (mean, ops.exp(0.5 * log_variance)), strict=True):
        check(ours, theirs)
    check(model.decoder(z), decoder(z))


def copy_weights(ours, theirs, mirrored):
    """Return a PyTorch module the weights of a Keras model whose layers come in the same order."""
    torch = pytest.importorskip("torch")
    layers = [layer for layer in ours._flatten_layers() if layer.weights and not list(layer._layers)]
    layers.sort(key=lambda layer: [id(weight) for weight in ours.weights].index(id(layer.weights[0])))
    modules = [module for module in theirs.modules() if next(module.parameters(recurse=False), None) is not None]
    turn = (lambda kernel: kernel[::-1, ::-1]) if mirrored else (lambda kernel: kernel)
    for layer, module in zip(layers, modules, strict=True):
        kernel, *others = layer.get_weights()
        if isinstance(module, torch.nn.BatchNorm2d):
            for target, value in zip(
                (module.weight, module.bias, module.running_mean, module.running_var), (kernel, *others), strict=True
            ):
                target.data = torch.from_numpy(value)
            continue
        if isinstance(module, torch.nn.Linear):
            kernel, others = turn_dense(kernel, others, ours, turn) if mirrored else (kernel, others)
            kernel = kernel.T
        else:
            # (height, width, in, out), of transposed convolutions (height, width, out, in); PyTorch's sizes come last.
            kernel = turn(kernel).transpose(3, 2, 0, 1)
        module.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
        if others:
            module.bias.data = torch.from_numpy(np.ascontiguousarray(others[0]))


def turn_dense(kernel, others, model, turn):
    """Turn the features that a dense layer reads (an encoder's) or gives (a decoder's)."""
    if len(model.outputs) == 2:
        size = round((kernel.shape[0] / 96) ** 0.5)
        return turn(kernel.reshape(size, size, 96, -1)).reshape(kernel.shape), others
    size = round((kernel.shape[1] / 96) ** 0.5)
    turned = [turn(it.reshape(-1, size, size, 96).transpose(1, 2, 3, 0)) for it in (kernel, others[0])]
    return turned[0].reshape(-1, kernel.shape[0]).T, [turned[1].ravel()]


@pytest.mark.parametrize(("network", "shape"), NETWORKS)
def test_torch(network, shape):
    torch = pytest.importorskip("torch")
    twins = pytest.importorskip("torch_twins")
    model, images, z = make(network, shape)
    twin = twins.VAE(network, shape[0], shape[2], LATENTS).eval()
    assert sum(p.numel() for p in [*twin.parameters(), *twin.buffers()] if p.ndim) == parameter_count(model)
    mirrored = network == "residual"
    copy_weights(model.encoder, twin.encoder, mirrored)
    copy_weights(model.decoder, twin.decoder, mirrored)
    shown = images[:, ::-1, ::-1].copy() if mirrored else images
    with torch.inference_mode():
        mean, log_variance = twin.encoder(torch.from_numpy(shown).permute(0, 3, 1, 2))
        logits = twin.decoder(torch.from_numpy(z)).permute(0, 2, 3, 1).numpy()
    for ours, theirs in zip(model.encoder(images), (mean, torch.exp(0.5 * log_variance)), strict=True):
        check(ours, theirs)
    check(model.decoder(z), logits[:, ::-1, ::-1] if mirrored else logits)
