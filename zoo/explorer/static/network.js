// A network from the page's data: its operators in order, each with an array of its own that later runs use again.

const MAKERS = {
  binary: makeBinary, concat: makeConcat, gather: makeGather, pick: makePick, pool: makePool, reduce: makeReduce,
  softmax: makeSoftmax, top: makeTop, unary: makeUnary, where: makeWhere,
};

function fromHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

let halves = null;

function readArray(buffer, bytes, offset, size) {
  if (bytes === 4) return new Float32Array(buffer, offset, size);
  halves = halves || Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits));
  const packed = new Uint16Array(buffer, offset, size), values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = halves[packed[i]];
  return values;
}

function makeNetwork(graph, buffer) {
  const values = graph.shapes.map(() => null);
  for (const [number, bytes, offset] of graph.weights) {
    values[number] = readArray(buffer, bytes, offset, sizeOf(graph.shapes[number]));
  }
  const known = new Set(graph.weights.map(([number]) => number));
  const steps = graph.operators.map(([kind, inputs, output, settings]) => {
    const shapes = inputs.map((number) => graph.shapes[number]), shape = graph.shapes[output];
    if (kind === "reshape") return () => { values[output] = values[inputs[0]]; };
    const out = values[output] = new Float32Array(sizeOf(shape));
    if (kind === "conv" || kind === "deconv") {
      const make = kind === "conv" ? makeConvolution : makeTransposedConvolution;
      const weights = { data: values[inputs[1]], shape: shapes[1] };
      const call = make({ input: shapes[0], output: shape }, weights, settings);
      return () => call(values[inputs[0]], out, inputs.length > 2 ? values[inputs[2]] : null);
    }
    if (kind === "matmul") {
      const right = known.has(inputs[1]) ? values[inputs[1]] : null;
      const call = makeProduct({ left: shapes[0], right: shapes[1], output: shape }, right);
      return () => call(values[inputs[0]], values[inputs[1]], out);
    }
    const call = MAKERS[kind](shapes, shape, settings);
    return () => call(...inputs.map((number) => values[number]), out);
  });
  return {
    size: sizeOf(graph.shapes[graph.inputs[0]]),
    // The arrays that are returned are written again by the next run.
    run(input) {
      values[graph.inputs[0]] = input;
      for (const step of steps) step();
      return graph.outputs.map((number) => values[number]);
    },
  };
}
