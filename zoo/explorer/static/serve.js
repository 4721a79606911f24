// What the page asks for: images from latents, latents from images, and how probable images are.

function openModel({ graphs, likelihood }, buffer) {
  const networks = {};
  for (const [name, graph] of Object.entries(graphs)) networks[name] = makeNetwork(graph, buffer);
  const copy = (arrays) => arrays.map((it) => it.slice());
  return {
    decode: ({ z }) => copy(networks.decoder.run(z).slice(0, 1)),
    encode: ({ image }) => copy(networks.encoder.run(image)),
    // The mean image and log p(x|z), nats; NaN for a likelihood that the page does not know.
    score({ z, image, channels }) {
      const [mean, parameters] = networks.decoder.run(z);
      const density = LOG_PROBABILITIES[likelihood.name];
      return [mean.slice(), Float64Array.of(density ? density(image, parameters, channels, likelihood) : NaN)];
    },
  };
}

// In a worker: the first message opens the model, each later one is a question.
function listen(scope) {
  let model = null;
  scope.onmessage = ({ data }) => {
    try {
      if (!model) {
        model = openModel(data.model, data.buffer);
        scope.postMessage({ ready: true });
        return;
      }
      const arrays = model[data.call](data);
      scope.postMessage({ id: data.id, arrays }, arrays.map((it) => it.buffer));
    } catch (error) {
      scope.postMessage({ id: data.id, error: String(error) });
    }
  };
}
