"""The formats that models are exported to: how each is written, and run by its own runtime."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import ExportError, one_line
from zoo.exporting.networks import ExportedNetwork
from zoo.exporting.onnx_graph import rename_values, replace_erfc

RECORD = "zoo.json"  # What a SavedModel, or a program for PyTorch, says of itself.
LARGEST_BATCH = 65_536  # PyTorch wants to know.


@dataclass(frozen=True)
class Format:
    """A format of exported files.

    Args:
        name: such as ``onnx``.
        suffix: the end of a file's name; empty for a folder.
        title: what people call it.
        packages: what has to be installed, by backend: the modules to import and the packages that have them.
        extras: the extra that installs them, by backend; empty if the zoo requires them anyway.
        write: ``(network, path, batch, type of images, record)``.
        run: ``(path, inputs, names of the outputs)``, returns the outputs in order.
    """

    name: str
    suffix: str
    title: str
    packages: Mapping[str, Mapping[str, str]]
    extras: Mapping[str, str]
    write: Callable[[ExportedNetwork, Path, int | None, str, Mapping[str, Any]], None]
    run: Callable[[Path, Arrays, Sequence[str]], list[np.ndarray]]

    def check(self) -> None:
        """Raise ``ExportError`` if a package is missing or broken, or the backend cannot write the format."""
        backend = keras.backend.backend()
        if backend not in self.packages:
            raise ExportError(
                f"{self.title} is written with KERAS_BACKEND={' or '.join(self.packages)}, and it is {backend}: "
                "save the model, and export the file with that"
            )
        for module, package in self.packages[backend].items():
            extra = self.extras.get(backend)
            way_out = f'pip install "autoencoder-zoo[{extra}]"' if extra else f"pip install {package}"
            try:
                with warnings.catch_warnings(action="ignore"):
                    importlib.import_module(module)
            except ModuleNotFoundError as error:
                if (error.name or module).partition(".")[0] != module.partition(".")[0]:
                    raise _broken(package, error) from error
                raise ExportError(f"{self.title} needs {package}, which is not installed: {way_out}") from error
            except Exception as error:  # Whatever a package raises that does not fit to the others.
                raise _broken(package, error) from error


def _broken(package: str, error: Exception) -> ExportError:
    try:
        which = f"{package} {version(package)}"
    except PackageNotFoundError:
        which = package
    reason = f"{type(error).__name__}: {one_line(error)}"
    return ExportError(f"{which} cannot be imported ({reason}): install another version of it")


Arrays = tuple[np.ndarray, ...]


def write_onnx(network: ExportedNetwork, path: Path, batch: int | None, dtype: str, record: Mapping[str, Any]) -> None:
    """Write an ONNX file, with named inputs and outputs."""
    import onnx

    network.export(str(path), format="onnx", verbose=False, input_signature=network.signature(batch, dtype))
    content = onnx.load(str(path))
    replace_erfc(content.graph)
    rename_values(content.graph, network)
    onnx.helper.set_model_props(content, {"zoo": json.dumps(record)})
    content.producer_name, content.producer_version = "autoencoder-zoo", record["zoo"]
    onnx.checker.check_model(content)
    onnx.save(content, str(path))


def run_onnx(path: Path, inputs: Arrays, outputs: Sequence[str]) -> list[np.ndarray]:
    """Return the outputs by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = (it.name for it in session.get_inputs())
    return list(session.run(list(outputs), dict(zip(names, inputs, strict=True))))


def write_litert(
    network: ExportedNetwork, path: Path, batch: int | None, dtype: str, record: Mapping[str, Any]
) -> None:
    """Write a LiteRT (TensorFlow Lite) file."""
    signature = network.signature(batch, dtype)
    network.export(str(path), format="litert", verbose=False, input_signature=signature)
    _add_metadata(path, record)


def _add_metadata(path: Path, record: Mapping[str, Any]) -> None:
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    content = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    text, entry = schema.BufferT(), schema.MetadataT()
    text.data = np.frombuffer(json.dumps(record).encode(), np.uint8)
    content.buffers.append(text)
    entry.name, entry.buffer = "zoo", len(content.buffers) - 1
    content.metadata = [*(content.metadata or []), entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(content.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(builder.Output())


def run_litert(path: Path, inputs: Arrays, outputs: Sequence[str]) -> list[np.ndarray]:
    """Return the outputs by LiteRT's interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    # Of two inputs, the labels have no further axes.
    given = sorted(interpreter.get_input_details(), key=lambda it: -len(it["shape"]))
    for detail, array in zip(given, inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(given, inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    details = sorted(interpreter.get_output_details(), key=lambda it: it["name"])
    return [np.asarray(interpreter.get_tensor(detail["index"])) for detail in details]


def write_saved_model(
    network: ExportedNetwork, path: Path, batch: int | None, dtype: str, record: Mapping[str, Any]
) -> None:
    """Write a folder for TensorFlow."""
    signature = network.signature(batch, dtype)
    network.export(str(path), format="tf_saved_model", verbose=False, input_signature=signature)
    (path / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


_RUN = """
import sys
import numpy as np
import tensorflow as tf

loaded = tf.saved_model.load(sys.argv[1])
given = np.load(sys.argv[2])
outputs = loaded.serve(*[tf.constant(given[name]) for name in given.files])
np.savez(sys.argv[3], *[np.asarray(output) for output in tf.nest.flatten(outputs)])
"""


def run_saved_model(path: Path, inputs: Arrays, outputs: Sequence[str]) -> list[np.ndarray]:
    """Return the outputs by TensorFlow, in a process that does not have the zoo."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        np.savez(given, *inputs)
        command = [sys.executable, "-c", _RUN, str(path.resolve()), str(given), str(found)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ExportError(f"TensorFlow cannot run what was exported: {one_line(lines[-1])}")
        with np.load(found) as arrays:
            return [arrays[f"arr_{index}"] for index in range(len(outputs))]


def write_torch(network: ExportedNetwork, path: Path, batch: int | None, dtype: str, record: Mapping[str, Any]) -> None:
    """Write a program for PyTorch, for batches of any size up to ``LARGEST_BATCH`` if none is given."""
    import torch

    sizes: dict[str, Any] = {}
    if batch is None:
        any_number = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
        sizes["dynamic_shapes"] = any_number if len(network.input_names) == 1 else (any_number, any_number)
    signature = network.signature(batch, dtype)
    network.export(str(path), format="torch", verbose=False, input_signature=signature, **sizes)
    torch.export.save(torch.export.load(str(path)), str(path), extra_files={RECORD: json.dumps(record)})


def run_torch(path: Path, inputs: Arrays, outputs: Sequence[str]) -> list[np.ndarray]:
    """Return the outputs by PyTorch."""
    import torch

    program = torch.export.load(str(path)).module()
    with torch.no_grad():
        found = program(*map(torch.from_numpy, inputs))
    return [output.cpu().numpy() for output in (found if isinstance(found, list | tuple) else [found])]


_TF2ONNX = {"onnx": "onnx", "onnxruntime": "onnxruntime"}
FORMATS = {
    it.name: it
    for it in (
        Format(
            "onnx", ".onnx", "ONNX",
            {"tensorflow": {"tf2onnx": "tf2onnx", **_TF2ONNX}, "jax": {"jax2onnx": "jax2onnx", **_TF2ONNX}},
            {"tensorflow": "onnx", "jax": "onnx-jax"}, write_onnx, run_onnx,
        ),
        Format(
            "saved_model", "", "SavedModel",
            {"tensorflow": {"tensorflow": "tensorflow"}, "jax": {"tensorflow": "tensorflow"}},
            {}, write_saved_model, run_saved_model,
        ),
        Format(
            "litert", ".tflite", "LiteRT",
            {"tensorflow": {"ai_edge_litert.interpreter": "ai-edge-litert"}},
            {"tensorflow": "litert"}, write_litert, run_litert,
        ),
        Format(
            "torch", ".pt2", "PyTorch's format",
            {"torch": {"torch": "torch"}},
            {"torch": "torch"}, write_torch, run_torch,
        ),
    )
}  # fmt: skip
