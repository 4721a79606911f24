"""Trains the same networks fast and plainly, paired by seed, and writes docs/quality.json.

    python benchmarks/quality.py small_cnn/mnist-binary [--epochs 5] [--seeds 5] [--data FOLDER]

Fast is what ``zoo.create_model`` gives: training steps in bfloat16 where the processor has it, fused layers and Adam.
Plain is the twin of plain Keras layers with Keras' Adam in float32. Both of a pair begin with the same weights, see the
same images in the same order, and are scored by -ELBO on the validation split, in float32, by the same code.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]


def make_pair(preset, seed):
    """Return the fast model and the plain one, with equal weights."""
    import keras
    from keras_twins import NETWORKS

    import zoo
    from zoo.layers import GaussianHead

    fast = zoo.create_model(preset, seed=seed)
    (latents,), (size, _, channels) = fast.latent_shape, fast.image_shape
    outputs = fast.likelihood.output_channels(channels)
    encoder, _ = NETWORKS[preset.partition("/")[0]](size, channels, latents)
    _, decoder = NETWORKS[preset.partition("/")[0]](size, outputs, latents)
    # The twin's last layers give the logarithm of the variance; the head is the same function.
    features = next(layer for layer in encoder.layers if layer.name.startswith("dense")).input
    encoder = keras.Model(encoder.inputs, GaussianHead((latents,))(features))
    plain = zoo.AutoEncoder(encoder, decoder, fast.likelihood, fast.binarization, seed=seed)
    plain.compile(keras.optimizers.Adam(), precision="float32")
    for ours, theirs in ((fast.encoder, plain.encoder), (fast.decoder, plain.decoder)):
        theirs.set_weights(ours.get_weights())
    return {"fast": fast, "plain": plain}


def train(model, images, seed, epochs, batch_size):
    """Train as ``zoo train`` does: the order of images by the epoch, the rate falling over the second half."""
    from zoo.schedules import LinearDecay
    from zoo.training.shuffling import SeedEpochs, ShuffledImages

    data = ShuffledImages(images, batch_size, seed)
    model.optimizer.learning_rate = LinearDecay(0.001, epochs * -(-len(images) // batch_size), 0.5)
    model.fit(data.stream(), epochs=epochs, shuffle=False, callbacks=[SeedEpochs(data)], verbose=0)


def main():
    """Train and compare all pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "quality.json")
    options = parser.parse_args()
    import zoo
    from zoo.benchmarking.intervals import summarise

    info = zoo.get_model_info(options.preset)
    dataset = zoo.load_dataset(info.dataset, data_dir=options.data)
    found = {"fast": [], "plain": []}
    for seed in range(options.seeds):
        for name, model in make_pair(options.preset, seed).items():
            train(model, dataset.train.images, seed, options.epochs, info.recipe["batch_size"])
            found[name].append(zoo.evaluate(model, dataset.validation)["negative_elbo"])
            print(f"seed {seed}, {name} ({model.precision}): {found[name][-1]:.3f}", file=sys.stderr)
    difference = summarise([fast - plain for fast, plain in zip(found["fast"], found["plain"], strict=True)])
    content = {
        "preset": options.preset, "dataset": dataset.validation.dataset, "epochs": options.epochs,
        "images": len(dataset.validation), "sha256": dataset.validation.sha256, "negative_elbo": found,
        "difference": difference,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(difference), file=sys.stderr)


if __name__ == "__main__":
    main()
