"""Networks of a page, run by node."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from zoo.explorer.scripts import engine_script

RUN = """
const fs = require("fs"), { makeNetwork } = makeEngine();
const whole = (it) => it.buffer.slice(it.byteOffset, it.byteOffset + it.byteLength);
for (const folder of process.argv.slice(2)) {
  const graph = JSON.parse(fs.readFileSync(`${folder}/graph.json`));
  const network = makeNetwork(graph, whole(fs.readFileSync(`${folder}/blob.bin`)));
  const given = new Float32Array(whole(fs.readFileSync(`${folder}/inputs.bin`))), found = graph.outputs.map(() => []);
  for (let start = 0; start < given.length; start += network.size) {
    const arrays = network.run(given.slice(start, start + network.size));
    arrays.forEach((array, i) => found[i].push(Float32Array.from(array)));
  }
  found.forEach((arrays, i) => {
    fs.writeFileSync(`${folder}/output${i}.bin`, Buffer.concat(arrays.map((it) => Buffer.from(it.buffer))));
  });
}
"""


def find_node():
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    return node


def run_in_node(graph, blob, inputs, folder):
    """Return the outputs of a network for each input."""
    return run_all_in_node([(graph, blob, inputs)], folder)[0]


def run_all_in_node(cases, folder):
    """Return the outputs of several networks, each with its blob and its inputs."""
    node, folders = find_node(), []
    (folder / "run.js").write_text(engine_script() + RUN)
    for index, (graph, blob, inputs) in enumerate(cases):
        folders.append(folder / f"case{index}")
        folders[-1].mkdir(exist_ok=True)
        (folders[-1] / "graph.json").write_text(json.dumps(graph))
        (folders[-1] / "blob.bin").write_bytes(b"".join(blob.parts))
        (folders[-1] / "inputs.bin").write_bytes(np.ascontiguousarray(inputs, "<f4").tobytes())
    done = subprocess.run([node, folder / "run.js", *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [_read(case, graph, len(inputs)) for case, (graph, _, inputs) in zip(folders, cases, strict=True)]


def _read(folder, graph, count):
    return [
        np.frombuffer((folder / f"output{index}.bin").read_bytes(), "<f4").reshape(count, *graph["shapes"][number])
        for index, number in enumerate(graph["outputs"])
    ]
