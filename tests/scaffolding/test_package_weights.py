"""Weights in a third party's wheel: trained, published, installed, and imported by name."""

import json

import pytest
from support.installation import build, copy_checkout, install, run, uninstall

pytestmark = pytest.mark.slow
LOAD = """
import sys
import zoo
model = zoo.create_model("my_ae/mnist_sample", weights=sys.argv[1])
images = zoo.load_dataset("mnist_sample").test.images
print(model.evaluate(images[:100], verbose=0, return_dict=True)["negative_elbo"], model.provenance["weights"]["sha256"])
"""


def test_a_wheel_with_weights(tmp_path):
    outs = [tmp_path / name for name in ("zoo", "untrained", "trained")]
    for out in outs:
        out.mkdir()
    zoo_wheel = build(copy_checkout(tmp_path / "copy"), outs[0])
    author = install(tmp_path / "author", zoo_wheel)
    run(author.scripts / "zoo", "new", "my_ae", cwd=tmp_path)
    project = tmp_path / "my_ae"
    first = install(tmp_path / "first", zoo_wheel, build(project, outs[1]))
    path = run(first.scripts / "zoo", "train", "my_ae/mnist_sample", "--epochs", 1, cwd=tmp_path).splitlines()[-1]
    target = project / "src" / "my_ae" / "weights" / "mnist_sample"
    published = run(first.scripts / "zoo", "publish", path, "--to", target, "--licence", "MIT", cwd=tmp_path)
    assert published.strip() == str(target)

    user = install(tmp_path / "user", zoo_wheel, build(project, outs[2]))
    (listed,) = json.loads(run(user.scripts / "zoo", "list", "my_ae*", "--weights", "--json", cwd=tmp_path))
    assert listed["name"] == "my_ae/mnist_sample"
    assert "site-packages/my_ae/weights" in listed["place"]
    by_name = run(user.python, "-c", LOAD, "default", cwd=tmp_path).split()
    assert by_name == run(user.python, "-c", LOAD, target, cwd=tmp_path).split()
    assert by_name[1] == listed["sha256"]
    (verdict,) = json.loads(run(user.scripts / "zoo", "verify", "my_ae/mnist_sample", "--json", cwd=tmp_path))
    assert verdict["status"] == "verified"

    uninstall(user, "my-ae", tmp_path)
    with pytest.raises(AssertionError, match=r"architecture 'my_ae' of plugin 'my_ae' is missing: install my-ae==0\.1\.0"):
        run(user.scripts / "zoo", "evaluate", target, cwd=tmp_path)


def test_the_zoos_own_wheel_has_weights(tmp_path):
    """In a fresh environment without network: by name, at once."""
    installation = install(tmp_path / "environment", build(copy_checkout(tmp_path / "copy"), tmp_path))
    code = "import zoo; m = zoo.create_model('small_cnn/mnist_sample', weights='default')\n"
    code += "images = zoo.load_dataset('mnist_sample').test.images\n"
    code += "print(m.evaluate(images, verbose=0, return_dict=True)['negative_elbo'])"
    assert 810 < float(run(installation.python, "-c", code, cwd=tmp_path)) < 825
