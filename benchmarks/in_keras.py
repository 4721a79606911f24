"""A user's own Keras model, and that of Keras' guide."""

import numpy as np
from workload import BATCH, LATENTS


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


def decode_keras(network, images, count):
    """The decoder's ``predict_on_batch``."""
    from keras import Model, layers
    from keras_twins import NETWORKS

    decoder = NETWORKS[network](images.shape[1], images.shape[3], LATENTS[network])[1]
    decoder = Model(decoder.inputs, layers.Activation("sigmoid")(decoder.outputs[0]))
    z = np.random.default_rng(0).normal(size=(count, LATENTS[network])).astype("float32")
    return lambda: decoder.predict_on_batch(z)
