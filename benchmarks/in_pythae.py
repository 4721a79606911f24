"""pythae: its model, its trainer and its estimate of the likelihood."""

import tempfile

import numpy as np
from workload import BATCH, LATENTS, SAMPLES, SCORED


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


def score_pythae(network, images):
    """Its ``get_nll``, with the batches that it is fastest with here."""
    import torch

    model = pythae_model(network, images).eval()
    data = torch.from_numpy(np.moveaxis(images[:SCORED], 3, 1).astype("float32") / 255)

    def score():
        with torch.no_grad():
            return model.get_nll(data, n_samples=SAMPLES, batch_size=500)

    return score
