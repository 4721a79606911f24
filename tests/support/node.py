"""Networks of a page, run by node."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from zoo.explorer.scripts import engine_script

RUN = """
const fs = require("fs"), folder = process.argv[2];
const graph = JSON.parse(fs.readFileSync(`${folder}/graph.json`));
const blob = fs.readFileSync(`${folder}/blob.bin`), inputs = fs.readFileSync(`${folder}/inputs.bin`);
const whole = (it) => it.buffer.slice(it.byteOffset, it.byteOffset + it.byteLength);
const network = makeEngine().makeNetwork(graph, whole(blob));
const given = new Float32Array(whole(inputs)), found = graph.outputs.map(() => []);
const times = [];
for (let start = 0; start < given.length; start += network.size) {
  const began = performance.now();
  network.run(given.slice(start, start + network.size)).forEach((array, i) => found[i].push(Float32Array.from(array)));
  times.push(performance.now() - began);
}
found.forEach((arrays, i) => {
  fs.writeFileSync(`${folder}/output${i}.bin`, Buffer.concat(arrays.map((it) => Buffer.from(it.buffer))));
});
console.log(times.sort((a, b) => a - b)[times.length >> 1]);
"""


def find_node():
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    return node


def run_in_node(graph, blob, inputs, folder):
    """Return the outputs of a network for each input, and the median milliseconds of one."""
    node = find_node()
    (folder / "graph.json").write_text(json.dumps(graph))
    (folder / "blob.bin").write_bytes(b"".join(blob.parts))
    (folder / "inputs.bin").write_bytes(np.ascontiguousarray(inputs, "<f4").tobytes())
    (folder / "run.js").write_text(engine_script() + RUN)
    done = subprocess.run([node, folder / "run.js", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outputs = []
    for index, number in enumerate(graph["outputs"]):
        values = np.frombuffer((folder / f"output{index}.bin").read_bytes(), "<f4")
        outputs.append(values.reshape(len(inputs), *graph["shapes"][number]))
    return outputs, float(done.stdout)
