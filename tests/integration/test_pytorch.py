"""The page on PyTorch is run, in a process of its own."""

from importlib.util import find_spec

import pytest
from support.pages import PYTHON, PYTORCH, run

CHECKS = """
assert isinstance(model, torch.nn.Module)
assert {id(it.value) for it in model.trainable_weights} <= set(map(id, model.parameters()))
assert sum(losses[-5:]) < 0.9 * sum(losses[:5]), losses
assert history.history["loss"][0] < losses[0]
import keras, numpy as np
on_tape = torch.tensor(np.ones((2, 28, 28, 1)), requires_grad=True)
for use in (model.encode, model.reconstruct, lambda given: zoo.plot_reconstructions(model, given)):
    use(on_tape)
    use(torch.ones((2, 28, 28, 1), dtype=torch.bfloat16))
assert model.decode(z).shape == (1, 28, 28, 1)
# Seeds of 32 bits, of which its state has the half.
for seed in (0, 2**31, 2**32 - 1):
    again = [zoo.AutoEncoder(model.encoder, model.decoder, model.likelihood, seed=seed) for _ in "ab"]
    terms = [keras.ops.convert_to_numpy(it.elbo_terms(images[:4])[0]) for it in again]
    assert (terms[0] == terms[1]).all()
    assert zoo.evaluate(model, images[:4], seed=seed) == zoo.evaluate(model, images[:4], seed=seed)
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch")
def test_the_page(tmp_path):
    (tmp_path / "page.py").write_text(PYTORCH.script() + CHECKS)
    printed = run([PYTHON, "page.py"], tmp_path, KERAS_BACKEND="torch")
    for promised in PYTORCH.promises():
        assert f"{promised}\n" in printed
