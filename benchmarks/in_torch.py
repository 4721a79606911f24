"""PyTorch, channels last."""

from workload import BATCH, LATENTS


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
