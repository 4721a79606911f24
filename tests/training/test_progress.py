import io

from rich.console import Console

from zoo.training.progress import ShowProgress

LOGS = {"loss": 17285.05, "reconstruction_loss": 17279.47, "kl_loss": 5.58}


def show(width, terminal):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, highlight=False)
    shown = ShowProgress("small_cnn/cifar10, seed 0", 20, 45_000, console=console)
    shown.set_params({"steps": 352})
    shown.on_train_begin()
    shown.on_epoch_begin(0)
    for batch in range(3):
        shown.on_train_batch_end(batch, LOGS)
    shown.on_test_begin()
    shown.on_epoch_end(0, LOGS | {f"val_{key}": value for key, value in LOGS.items()})
    shown.on_train_end()
    return out.getvalue()


def test_bar_fits_into_eighty_columns():
    text = show(80, terminal=True)
    bar = [line for line in text.replace("\r", "\n").splitlines() if "rec. 17279.5" in line][-1]
    for part in ("epoch 1/20", "loss 17285.0", "KL 5.6", "images/s"):
        assert part in bar
    # The time left is whole: h:mm:ss, or not yet known.
    assert ":" in bar.split("images/s")[1]
    assert "…" not in bar


def test_epochs_are_lines_where_there_is_no_terminal():
    lines = show(80, terminal=False).splitlines()
    assert lines[0] == "training small_cnn/cifar10, seed 0: 20 epochs of 45,000 images"
    assert lines[1].startswith("epoch  1/20  loss 17285.05  reconstruction 17279.47  KL 5.58  validation loss 17285.05")
    assert len(lines) == 2


def test_a_resumed_run_starts_where_it_was():
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None, highlight=False)
    shown = ShowProgress("small_cnn/cifar10, seed 0", 20, 45_000, 5, console)
    shown.on_train_begin()
    shown.close()
    bar = next(line for line in out.getvalue().splitlines() if "epoch 6/20" in line)
    assert bar.count("━") == 15  # A quarter of the sixty columns that are left.
    assert "20 epochs of 45,000 images, 5 already done" in out.getvalue()


def said(images, batch_size, epochs):
    out = io.StringIO()
    console = Console(file=out, width=80, highlight=False)
    shown = ShowProgress("small_cnn/[x]", epochs, images, console=console, batch_size=batch_size)
    shown.on_train_begin()
    return out.getvalue().splitlines()


def test_few_steps_are_told():
    assert said(165, 128, 20)[1:] == [
        "165 images and batches of 128 are 2 steps per epoch, 40 in all: "
        "more epochs or a smaller batch_size train longer"
    ]
    assert said(1, 128, 1)[1].startswith("1 image and batches of 128 are 1 step per epoch, 1 in all")
    assert said(165, 16, 60)[1:] == []


def test_nothing_is_printed_unless_wanted(capsys):
    shown = ShowProgress("small_cnn/mnist", 2, 10, batch_size=1, shown=False)
    shown.on_train_begin()
    shown.show_stage("scoring")
    shown.close()
    assert capsys.readouterr() == ("", "")
