// What the page asks for: images from latents, latents from images, and how probable images are.

async function openModel({ graphs, likelihood }, buffer, runtime) {
  const library = runtime && (await openRuntime(runtime)), networks = {};
  for (const [name, graph] of Object.entries(graphs)) {
    networks[name] = library ? await openSession(library, graph, buffer) : makeNetwork(graph, buffer);
  }
  const copy = (arrays) => arrays.map((it) => it.slice());
  return {
    decode: async ({ z }) => copy((await networks.decoder.run(z)).slice(0, 1)),
    encode: async ({ image }) => copy(await networks.encoder.run(image)),
    // The mean image and log p(x|z), nats; NaN for a likelihood that the page does not know.
    async score({ z, image, channels }) {
      const [mean, parameters] = await networks.decoder.run(z);
      const density = LOG_PROBABILITIES[likelihood.name];
      return [mean.slice(), Float64Array.of(density ? density(image, parameters, channels, likelihood) : NaN)];
    },
  };
}

// ONNX Runtime, where the page has it.
async function openRuntime({ script, binary }) {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const library = await import(address);
  library.env.wasm.numThreads = 1;
  library.env.wasm.wasmBinary = binary;
  return library;
}

async function openSession(library, { onnx, input, shape, outputs }, buffer) {
  const content = new Uint8Array(buffer, ...onnx);
  const session = await library.InferenceSession.create(content, { executionProviders: ["wasm"] });
  return {
    async run(values) {
      const found = await session.run({ [input]: new library.Tensor("float32", values, shape) });
      return outputs.map((name) => found[name].data);
    },
  };
}

// In a worker: the first message opens the model, each later one is a question.
function listen(scope) {
  let model = null;
  scope.onmessage = async ({ data }) => {
    try {
      if (!model) {
        model = await openModel(data.model, data.buffer, data.runtime);
        scope.postMessage({ ready: true });
        return;
      }
      const arrays = await model[data.call](data);
      scope.postMessage({ arrays }, arrays.map((it) => it.buffer));
    } catch (error) {
      scope.postMessage({ error: String(error) });
    }
  };
}
