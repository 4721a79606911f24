// Questions to the model, one at a time: of each channel only the newest wait, and the newest channel goes first.

const client = (() => {
  const waiting = new Map();
  let current = null, ready = false, send = null;

  function answer({ arrays, error }) {
    const { done } = current || {};
    current = null;
    if (error) notify(`The model cannot be run here: ${error}`);
    else done(...arrays);
    next();
  }

  function next() {
    if (current || !send) return;
    const channel = [...waiting.keys()].pop();
    if (channel === undefined) return;
    const questions = waiting.get(channel);
    current = questions.shift();
    if (!questions.length) waiting.delete(channel);
    send(current.message);
  }

  // Without workers, the page itself computes, between two pictures.
  async function runHere(runtime) {
    try {
      const model = await engine.openModel(content, buffer, runtime);
      send = (message) => setTimeout(() => model[message.call](message).then(
        (arrays) => answer({ arrays }),
        (error) => answer({ error: String(error) }),
      ));
      next();
    } catch (error) {
      answer({ error: String(error) });
    }
  }

  function runInWorker(runtime) {
    const source = `${makeEngine};makeEngine().listen(self);`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => {
      if (!data.ready) return answer(data);
      ready = true;
      URL.revokeObjectURL(address);
      send = (message) => worker.postMessage(message);
      return next();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (ready) return;
      worker.terminate();
      runHere(runtime);
    };
    const { graphs, likelihood } = content;
    worker.postMessage({ model: { graphs, likelihood }, buffer, runtime });
  }

  // ONNX Runtime, if the page has it: a script, and a binary that is compressed.
  async function readRuntime() {
    if (!find("runtime")) return null;
    const [script, binary] = ["runtime", "runtime-binary"].map((id) => decodeBase64(find(id).textContent));
    const opened = new Blob([binary]).stream().pipeThrough(new DecompressionStream("gzip"));
    return { script: new TextDecoder().decode(script), binary: await new Response(opened).arrayBuffer() };
  }

  readRuntime().then((runtime) => {
    try {
      runInWorker(runtime);
    } catch {
      runHere(runtime);
    }
  });

  return {
    // Replace what waits in a channel by these questions; each is [message, what to do with the arrays].
    ask(channel, questions) {
      waiting.delete(channel);
      waiting.set(channel, questions.map(([message, done]) => ({ message, done })));
      if (!questions.length) waiting.delete(channel);
      next();
    },
  };
})();

function notify(text) {
  const notice = find("notice");
  notice.hidden = false;
  notice.textContent = text;
}

// Decode latents, each into its canvas.
function decodeInto(channel, pairs) {
  client.ask(channel, pairs.map(([z, canvas]) => [{ call: "decode", z }, (image) => paint(canvas, image)]));
}

// Whether this browser computes what the model does, on one image that was decoded by the model itself.
function checkModel() {
  const expected = read(content.check.image);
  client.ask("check", [[{ call: "decode", z: read(content.check.z) }, (found) => {
    const difference = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    if (difference < 0.02) return;
    notify(`Pictures here are off by ${show(difference)} or more from what the model decodes.`);
  }]]);
}
