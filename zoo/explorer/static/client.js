// Questions to the model, one at a time: of each channel only the newest wait, and the newest channel goes first.

const client = (() => {
  const waiting = new Map();
  let current = null, ready = false, send = null;

  function answer({ id, arrays, error }) {
    const { done } = current;
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
  function runHere() {
    const model = engine.openModel(content, buffer);
    send = (message) => setTimeout(() => {
      try {
        answer({ arrays: model[message.call](message) });
      } catch (error) {
        answer({ error: String(error) });
      }
    });
    if (current) send(current.message);
    else next();
  }

  function runInWorker() {
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
      runHere();
    };
    const { graphs, likelihood } = content;
    worker.postMessage({ model: { graphs, likelihood }, buffer });
  }

  try {
    runInWorker();
  } catch {
    runHere();
  }

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
