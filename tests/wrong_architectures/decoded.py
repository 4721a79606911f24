"""What the decoder gives."""

from keras import layers, ops

from wrong_architectures.parts import builds, layer, make_decoder


@builds("decoder", "check_decoder_is_linear", mend="take the activation")
def sigmoid_at_the_end(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=layers.Activation("sigmoid"))


@layer
def cover_corner(self, x, training):
    return ops.pad(x[:, 1:], ((0, 0), (1, 0), (0, 0), (0, 0)))


@builds("decoder", "check_latent_reaches_every_output", mend="let z reach every pixel")
def row_of_zeros(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=cover_corner())


@layer
def without_first(self, z, training):
    return ops.concatenate([ops.zeros_like(z[:, :1]), z[:, 1:]], axis=1)


@builds("decoder", "check_every_latent_reaches_the_output", mend="use all of z")
def idle_latent(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, before=without_first())
