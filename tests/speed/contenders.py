"""Who is timed: each makes the same network, and gives a function that trains it, scores with it or decodes.

Images are uint8 ``(n, size, size, channels)`` in memory, and training is one epoch of them. The likelihood is
Bernoulli, the optimizer Adam at 0.001.
"""

import tempfile
from functools import partial

import numpy as np

BATCH = 128
SCORED, SAMPLES = 20, 1000
LATENTS = {"small_cnn": 16, "deep_cnn": 64, "residual": 64}


def make_zoo(network, images):
    """Our own model and its ``fit``."""
    import zoo

    model = zoo.create_model(
        network, image_shape=images.shape[1:], latent_dim=LATENTS[network], likelihood="bernoulli", seed=0
    )
    return lambda: model.fit(images, batch_size=BATCH, verbose=0)


def make_keras(network, images):
    """A model as a user of Keras writes it: ``train_step`` of its own, ``fit`` on floats."""
    import keras
    import tensorflow as tf
    from keras import ops
    from keras_twins import NETWORKS

    class VAE(keras.Model):
        def __init__(self, encoder, decoder):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.loss_tracker = keras.metrics.Mean(name="loss")

        def train_step(self, x):
            with tf.GradientTape() as tape:
                mean, log_variance = self.encoder(x, training=True)
                z = mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean))
                logits = self.decoder(z, training=True)
                reconstruction = ops.sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits), axis=(1, 2, 3))
                kl = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - 1 - log_variance, axis=1)
                loss = ops.mean(reconstruction + kl)
            variables = self.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            self.loss_tracker.update_state(loss)
            return {"loss": self.loss_tracker.result()}

    model = VAE(*NETWORKS[network](images.shape[1], images.shape[3], LATENTS[network]))
    model.compile(optimizer=keras.optimizers.Adam())
    floats = images.astype("float32") / 255
    return lambda: model.fit(floats, batch_size=BATCH, verbose=0)


def make_keras_example(network, images):
    """The step as in Keras' guide to variational autoencoders: probabilities, ``binary_crossentropy``, mean of sums."""
    import keras
    import tensorflow as tf
    from keras import layers, ops
    from keras_twins import NETWORKS

    class Sampling(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed_generator = keras.random.SeedGenerator(0)

        def call(self, inputs):
            mean, log_variance = inputs
            noise = keras.random.normal(shape=ops.shape(mean), seed=self.seed_generator)
            return mean + ops.exp(0.5 * log_variance) * noise

    encoder, decoder = NETWORKS[network](images.shape[1], images.shape[3], LATENTS[network])
    mean, log_variance = encoder.outputs
    encoder = keras.Model(encoder.inputs, [mean, log_variance, Sampling()([mean, log_variance])])
    decoder = keras.Model(decoder.inputs, layers.Activation("sigmoid")(decoder.outputs[0]))

    class VAE(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.trackers = [keras.metrics.Mean(name=name) for name in ("total", "reconstruction", "kl")]

        def train_step(self, data):
            with tf.GradientTape() as tape:
                mean, log_variance, z = self.encoder(data)
                image = self.decoder(z)
                entropy = keras.losses.binary_crossentropy(data, image)
                reconstruction = ops.mean(ops.sum(entropy, axis=(1, 2)))
                kl = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
                kl = ops.mean(ops.sum(kl, axis=1))
                total = reconstruction + kl
            gradients = tape.gradient(total, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            for tracker, value in zip(self.trackers, (total, reconstruction, kl), strict=True):
                tracker.update_state(value)
            return {tracker.name: tracker.result() for tracker in self.trackers}

    model = VAE()
    model.compile(optimizer=keras.optimizers.Adam())
    floats = images.astype("float32") / 255
    return lambda: model.fit(floats, batch_size=BATCH, verbose=0)


def make_torch(network, images, compiled=False):
    """A loop as a user of PyTorch writes it, channels last; the data is a tensor in memory, indexed by batch."""
    import torch
    from torch_twins import VAE

    torch.manual_seed(0)
    model = VAE(network, images.shape[1], images.shape[3], LATENTS[network]).to(memory_format=torch.channels_last)
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    data = torch.from_numpy(images).permute(0, 3, 1, 2).to(memory_format=torch.channels_last)

    def fit():
        model.train()
        for chosen in torch.randperm(len(data)).split(BATCH):
            loss = forward(data[chosen].float() / 255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return fit


def make_torch_compiled(network, images):
    """The same, compiled."""
    return make_torch(network, images, compiled=True)


def pythae_model(network, images):
    """A model of pythae around the same network."""
    import torch
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from torch_twins import NETWORKS

    torch.manual_seed(0)
    size, channels, latents = images.shape[1], images.shape[3], LATENTS[network]
    parts = NETWORKS[network](size, channels, latents)

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.part = parts[0]

        def forward(self, x):
            mean, log_variance = self.part(x)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.part = parts[1]

        def forward(self, z):
            return ModelOutput(reconstruction=torch.sigmoid(self.part(z)))

    config = VAEConfig(input_dim=(channels, size, size), latent_dim=latents, reconstruction_loss="bce")
    return VAE(config, encoder=Encoder(), decoder=Decoder())


def make_pythae(network, images):
    """Its trainer's epoch, without the files that it writes between epochs."""
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    model = pythae_model(network, images)
    data = torch.from_numpy(np.moveaxis(images, 3, 1).astype("float32") / 255)
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-3, no_cuda=True
    )
    trainer = BaseTrainer(model, BaseDataset(data, torch.ones(len(data))), training_config=config)
    trainer.prepare_training()
    trainer.callback_handler.callbacks = []  # its progress bar
    return lambda: trainer.train_step(epoch=1)


def score_zoo(network, images):
    """The importance-weighted bound of a few images."""
    import zoo
    from zoo.evaluation.bounds import importance_weighted_bound

    model = zoo.create_model(
        network, image_shape=images.shape[1:], latent_dim=LATENTS[network], likelihood="bernoulli", seed=0
    )
    return lambda: importance_weighted_bound(model, images[:SCORED], SAMPLES, 0)


def score_pythae(network, images):
    """Its ``get_nll``, with the batches that it is fastest with here."""
    import torch

    model = pythae_model(network, images).eval()
    data = torch.from_numpy(np.moveaxis(images[:SCORED], 3, 1).astype("float32") / 255)

    def score():
        with torch.no_grad():
            return model.get_nll(data, n_samples=SAMPLES, batch_size=500)

    return score


def decode_zoo(network, images, count):
    """Mean images of z: ``decode``."""
    import zoo

    model = zoo.create_model(
        network, image_shape=images.shape[1:], latent_dim=LATENTS[network], likelihood="bernoulli", seed=0
    )
    z = np.random.default_rng(0).normal(size=(count, LATENTS[network])).astype("float32")
    return lambda: model.decode(z)


def decode_keras(network, images, count):
    """The decoder's ``predict_on_batch``."""
    from keras import Model, layers
    from keras_twins import NETWORKS

    decoder = NETWORKS[network](images.shape[1], images.shape[3], LATENTS[network])[1]
    decoder = Model(decoder.inputs, layers.Activation("sigmoid")(decoder.outputs[0]))
    z = np.random.default_rng(0).normal(size=(count, LATENTS[network])).astype("float32")
    return lambda: decoder.predict_on_batch(z)


def decode_torch(network, images, count):
    """The decoder as a module, channels last, in inference mode."""
    import torch
    from torch_twins import VAE

    decoder = VAE(network, images.shape[1], images.shape[3], LATENTS[network]).decoder.eval()
    decoder = decoder.to(memory_format=torch.channels_last)
    z = torch.randn(count, LATENTS[network])

    def decode():
        with torch.inference_mode():
            return torch.sigmoid(decoder(z)).numpy()

    return decode


TASKS = {
    "train": {
        "zoo": make_zoo,
        "keras": make_keras,
        "keras example": make_keras_example,
        "torch": make_torch,
        "torch compiled": make_torch_compiled,
        "pythae": make_pythae,
    },
    "score": {"zoo": score_zoo, "pythae": score_pythae},
    **{
        f"decode {count}": {
            "zoo": partial(decode_zoo, count=count),
            "keras": partial(decode_keras, count=count),
            "torch": partial(decode_torch, count=count),
        }
        for count in (1, 128)
    },
}
