"""The vector-quantised architecture: its layer, its objective, its scores, and all that the zoo does with a model."""

import json
import math
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import keras
import numpy as np
import pytest
from keras import ops
from zoo.plugins.vq_cnn.autoencoder import VectorQuantizedAutoEncoder

import zoo
from zoo.cli.printing import print_comparison, print_scores

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
SHAPE = (8, 6, 1)
TINY = {"width": 4, "codes": 8}
random = np.random.default_rng(0)
IMAGES = random.integers(0, 256, (12, *SHAPE), np.uint8)


def make_model(seed=0, image_shape=SHAPE, **options):
    return zoo.create_model("vq_cnn", image_shape=image_shape, seed=seed, **{**TINY, **options})


def trained(steps=3, **options):
    model = make_model(**options)
    for _ in range(steps):
        model.train_step(IMAGES)
    return model


def numpy(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def nearest(vectors, codebook):
    """Return the nearest code's number in float64, by the definition."""
    return np.argmin(np.square(vectors[..., None, :] - codebook).sum(-1), axis=-1)


@pytest.mark.parametrize(
    ("image_shape", "latent_shape", "given"),
    [
        ((28, 28, 1), (7, 7, 16), {}),
        ((31, 17, 2), (8, 5, 16), {}),
        ((1, 1, 5), (1, 1, 16), {}),
        ((16, 16, 3), (2, 2, 5), {"latent_shape": (2, 2, 5)}),
        ((16, 16, 3), (16, 16, 5), {"latent_shape": (16, 16, 5)}),
        ((16, 16, 3), (3, 2), {"latent_shape": (3, 2)}),
        ((16, 16, 3), (9,), {"latent_dim": 9}),
        ((28, 28, 1), (7, 7, 2, 16), {"quantizers": 2}),
        ((16, 16, 3), (2, 2, 3, 5), {"quantizers": 3, "latent_shape": (2, 2, 3, 5)}),
        ((16, 16, 3), (4, 2, 9), {"quantizers": 2, "latent_shape": (4, 2, 9)}),
    ],
)
def test_any_size_of_image_and_latent(image_shape, latent_shape, given):
    model = make_model(image_shape=image_shape, **given)
    assert model.latent_shape == latent_shape
    images = random.random((3, *image_shape)).astype("float32")
    mean, std = model.encode(images)
    assert mean.shape == std.shape == (3, *latent_shape)
    assert not std.any()
    assert model.reconstruct(images).shape == model.sample(3, seed=0).shape == images.shape
    _, kl = model.elbo_terms(images)
    np.testing.assert_allclose(numpy(kl), math.prod(latent_shape[:-1]) * math.log(8), rtol=1e-6)
    assert np.isfinite(float(model.train_step(images)["loss"]))


def test_bound_and_loss_by_hand():
    model = trained(commitment=0.5)
    model.compile("sgd", kl_weight=0.3)
    head = keras.Model(model.encoder.input, model.encoder.layers[-1].input)
    vectors = numpy(head(IMAGES / np.float32(255)))
    codebook = numpy(model.encoder.layers[-1].codebook)
    z = codebook[nearest(vectors, codebook)]
    np.testing.assert_array_equal(model.encode(IMAGES)[0], z)
    expected = -numpy(model.likelihood.log_prob(IMAGES / np.float32(255), model.decoder(z.astype("float32"))))
    reconstruction, kl = model.elbo_terms(IMAGES)
    np.testing.assert_allclose(numpy(reconstruction), expected, rtol=1e-5)
    np.testing.assert_allclose(numpy(kl), 4 * math.log(8), rtol=1e-6)
    commitment = 0.5 * np.square(vectors - z).sum(axis=(1, 2, 3))
    logs = model.evaluate(IMAGES, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(np.mean(expected + 0.3 * numpy(kl) + commitment), rel=1e-5)
    assert logs["negative_elbo"] == pytest.approx(np.mean(expected + numpy(kl)), rel=1e-5)
    # A z that is given is quantised, as in decode.
    again, _ = model.elbo_terms(IMAGES, z=z + 1e-4)
    np.testing.assert_allclose(numpy(again), expected, rtol=1e-5)


def test_several_codes_at_a_position_by_hand():
    model = trained(quantizers=2, commitment=0.5)
    model.compile("sgd", kl_weight=0.3)
    head = keras.Model(model.encoder.input, model.quantizer.input)
    vectors, codebook = numpy(head(IMAGES / np.float32(255))), model.codebook.astype("float64")
    assert codebook.shape == (2, 8, 16)
    first = codebook[0][nearest(vectors, codebook[0])]
    second = codebook[1][nearest(vectors - first, codebook[1])]
    z = np.stack([first, second], axis=-2)
    np.testing.assert_allclose(model.encode(IMAGES)[0], z, rtol=1e-6)
    # The decoder sees the sum: the order of the codes does not matter to it.
    swapped = model.decoder(z[..., ::-1, :].astype("float32"))
    np.testing.assert_allclose(numpy(swapped), numpy(model.decoder(z.astype("float32"))), atol=1e-5)
    expected = -numpy(model.likelihood.log_prob(IMAGES / np.float32(255), swapped))
    commitment = 0.5 * sum(np.square(vectors - it).sum(axis=(1, 2, 3)) for it in (first, first + second))
    logs = model.evaluate(IMAGES, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(np.mean(expected + 0.3 * 8 * math.log(8) + commitment), rel=1e-5)
    assert logs["negative_elbo"] == pytest.approx(np.mean(expected) + 8 * math.log(8), rel=1e-5)
    again, _ = model.elbo_terms(IMAGES, z=model.encode(IMAGES)[0] + 1e-5)
    np.testing.assert_allclose(numpy(again), expected, rtol=1e-5)
    np.testing.assert_allclose(model.reconstruct(IMAGES), model.decode(z + 1e-5), atol=1e-6)
    untrained = make_model(quantizers=2)  # Where no two codes are equal.
    drawn = untrained.code_indices(untrained.draw_prior(2000, np.random.default_rng(1)))
    counts = np.stack([np.bincount(drawn[..., book].ravel(), minlength=8) for book in range(2)])
    np.testing.assert_allclose(counts, 1000, atol=150)


def test_scores_of_several_codebooks(tmp_path):
    model = make_model(quantizers=2)
    assert set(model.extra_scores().values()) == {None}
    first, second = model.quantizer.stages
    first.sizes.assign([4, 2, 1, 1, 0, 0, 0, 0])
    second.sizes.assign([1, 1, 1, 1, 1, 1, 1, 1])
    scores = zoo.evaluate(model, IMAGES)
    assert scores["code_rate_bits"] == pytest.approx(4 * (1.75 + 3))
    assert scores["code_perplexity"] == pytest.approx(math.sqrt(2**1.75 * 2**3))
    assert scores["dead_codes"] == 4
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert again.extra_scores() == model.extra_scores()
    np.testing.assert_array_equal(again.encode(IMAGES)[0], model.encode(IMAGES)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantizers": 2, "latent_dim": 9}, r"latent_shape is \(9,\) and quantizers is 2: expected the last axis but"),
        ({"quantizers": 3, "latent_shape": (2, 2, 5)}, r"latent_shape is \(2, 2, 5\) and quantizers is 3: expected"),
        ({"quantizers": 65}, "quantizers is 65: expected a whole number from 2 to 64"),
    ],
)
def test_shapes_that_several_codes_do_not_fit(options, message):
    with pytest.raises(zoo.errors.ArchitectureError, match=message):
        make_model(**options)


def test_images_come_out_of_codes():
    model = trained()
    codebook = numpy(model.encoder.layers[-1].codebook)
    z = model.encode(IMAGES)[0]
    np.testing.assert_array_equal(model.decode(z + 1e-4), model.decode(z))
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), model.reconstruct(IMAGES), atol=1e-6)
    drawn = model.draw_prior(4000, np.random.default_rng(1))
    assert drawn.shape == (4000, 2, 2, 16)
    counts = np.bincount(nearest(drawn, codebook).ravel(), minlength=8)
    np.testing.assert_allclose(counts, 2000, atol=200)
    np.testing.assert_array_equal(model.sample(2, seed=3), model.sample(2, seed=3))
    path = model.interpolate(IMAGES[0], IMAGES[1], steps=5)
    np.testing.assert_allclose(path[[0, -1]], model.reconstruct(IMAGES[:2]), atol=1e-6)
    with pytest.raises(ValueError, match=r"latents: got shape \(3, 2\); expected \(batch, 2, 2, 16\)"):
        model.decode(np.zeros((3, 2)))


def test_scores_of_its_own():
    model = make_model()
    assert model.extra_scores() == {"code_perplexity": None, "code_rate_bits": None, "dead_codes": None}
    model.encoder.layers[-1].sizes.assign([4, 2, 1, 1, 0, 0, 0, 0])
    scores = zoo.evaluate(model, IMAGES, importance_samples=5, cost=True)
    assert scores["code_perplexity"] == pytest.approx(2**1.75)
    assert scores["code_rate_bits"] == pytest.approx(4 * 1.75)
    assert scores["dead_codes"] == 4
    assert scores["negative_elbo"] == pytest.approx(scores["reconstruction"] + 4 * math.log(8))
    assert [scores[name] for name in ("iwae", "kl_per_latent", "active_units", "cross_entropy")] == [None] * 4
    assert None not in (scores["cost"]["flops"]["encoder"], scores["cost"]["encode_ms"], scores["psnr"])
    json.dumps(scores, allow_nan=False)


def test_scores_are_printed_and_compared(capsys):
    split = zoo.Split(IMAGES, np.zeros(12, "int64"), "noise", "test")
    results = [zoo.evaluate(trained(seed=seed), split) for seed in (0, 1)]
    print_scores(results[0])
    comparison = zoo.compare(*results)
    print_comparison(comparison, "a", "b")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    perplexities, rates = ([result[name] for result in results] for name in ("code_perplexity", "code_rate_bits"))
    assert f"code perplexity {perplexities[0]:.2f}" in lines
    assert f"code rate {rates[0]:.2f} bits/image" in lines
    assert f"code rate {rates[0]:.2f} {rates[1]:.2f} {rates[1] - rates[0]:+.2f} bits/image" in lines
    assert not any(line.startswith(("seed", "active")) for line in lines)
    other = zoo.evaluate(zoo.create_model("small_cnn", image_shape=SHAPE, filters=[4]), split)
    assert "code_perplexity" not in zoo.compare(results[0], other)["difference"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"free_bits": 0.5}, r"free_bits is 0\.5: expected 0, since the KL divergence of codes is constant"),
        ({"importance_samples": 3}, "importance_samples is 3: expected 1, since codes are not drawn"),
    ],
)
def test_objectives_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_model().compile(**settings)
    with pytest.raises(
        TypeError, match="VectorQuantizedAutoEncoder has a point posterior: it must define importance_terms"
    ):
        make_model().log_weights(IMAGES, 3)


def test_training_lowers_the_loss_and_uses_the_codes():
    images = zoo.load_dataset("mnist_sample", limit=256).train.images
    model = zoo.create_model("vq_cnn/mnist_sample", width=16, codes=32, seed=0)
    model.compile(keras.optimizers.Adam(0.002))
    history = model.fit(images, epochs=12, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert model.extra_scores()["code_perplexity"] > 10
    errors = np.square(model.reconstruct(images) - images / 255).mean()
    assert errors < 0.5 * np.square(images / 255 - (images / 255).mean(axis=0)).mean()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = trained()
    finally:
        keras.config.set_dtype_policy(before)
    check_float32(model)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="bfloat16 steps are TensorFlow's")
def test_bfloat16_steps():
    model = make_model()
    model.compile("adam", precision="bfloat16")
    model.fit(IMAGES, epochs=2, verbose=0)
    assert model.settle_precision() == "bfloat16"
    check_float32(model)


def check_float32(model):
    layer = model.encoder.layers[-1]
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in layer.weights[:3]} == {"float32"}
    assert model.encoder(IMAGES / np.float32(255)).dtype == model.encode(IMAGES)[0].dtype == "float32"
    assert all(np.isfinite(numpy(weight)).all() for weight in (layer.codebook, layer.sizes))


@pytest.mark.slow
def test_a_file_holds_all_of_it(tmp_path):
    model, file = trained(), tmp_path / "model.keras"
    model.save(file)
    again = zoo.load_model(file)
    assert type(again) is VectorQuantizedAutoEncoder
    assert again.extra_scores() == model.extra_scores()
    np.testing.assert_array_equal(again.encode(IMAGES)[0], model.encode(IMAGES)[0])
    # The codebook, its averages, the draws and the optimizer go on alike.
    model.reset_metrics()
    losses = [[float(one.train_step(IMAGES)["loss"]) for _ in range(2)] for one in (model, again)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    code = f"import zoo; print(zoo.load_model({str(file)!r}).extra_scores()['code_perplexity'])"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
    path = {"PYTHONPATH": str(Path(zoo.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=kept | path, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) == pytest.approx(zoo.load_model(file).extra_scores()["code_perplexity"])


@pytest.mark.slow
def test_a_run_and_its_place_among_others(tiny, tmp_path):
    board = zoo.benchmark(["vq_cnn/tiny", "tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False)
    assert not board.failed
    (table,) = board.tables
    assert {row.model for row in table.rows} == {"vq_cnn", "tiny_cnn"}
    folder = next((tmp_path / "vq_cnn").rglob("run.json")).parent
    record = json.loads((folder / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    assert record["config"]["options"]["latent_shape"] == "latent_map"
    assert record["scores"]["code_perplexity"] > 1
    names = {"loss_curve", "reconstructions", "samples", "interpolation", "latent_space"}
    assert {picture.stem for picture in folder.glob("*.png")} == names


def test_its_parts_pair_with_others():
    shape = {"image_shape": SHAPE, "latent_shape": (2, 2, 3)}
    vq = zoo.create_model(encoder="vq_cnn", decoder="small_cnn", **shape)
    assert isinstance(vq, VectorQuantizedAutoEncoder)
    gaussian = zoo.create_model(encoder="small_cnn", decoder="vq_cnn", **shape)
    assert type(gaussian) is zoo.AutoEncoder
    assert np.isfinite(float(vq.train_step(IMAGES)["loss"]) + float(gaussian.train_step(IMAGES)["loss"]))


def test_one_encoder_output_or_two():
    vq, small = zoo.models.vq_cnn, zoo.models.small_cnn
    point, decoder = vq.build_encoder(SHAPE, **TINY), vq.build_decoder((2, 2, 16), (8, 6, 1))
    gaussian = small.build_encoder(SHAPE, (2, 2, 16))
    assert VectorQuantizedAutoEncoder(point, decoder).latent_shape == (2, 2, 16)
    with pytest.raises(ValueError, match=r"output is \(None, 2, 2, 16\): expected two tensors \(mean, std\)"):
        zoo.AutoEncoder(point, decoder)
    with pytest.raises(ValueError, match=r"output is \[.*\]: expected one tensor, z, for a point posterior"):
        VectorQuantizedAutoEncoder(gaussian, decoder)
    with pytest.raises(ValueError, match=r"outputs z \(2, 2, 16\), the decoder takes \(2, 2, 5\): expected equal"):
        VectorQuantizedAutoEncoder(point, vq.build_decoder((2, 2, 5), (8, 6, 1)))
    plain = keras.Model(point.input, point.layers[-1].input)
    with pytest.raises(ValueError, match=r"the encoder's last layer is .*: expected a VectorQuantizer, or a Residual"):
        VectorQuantizedAutoEncoder(plain, decoder)
