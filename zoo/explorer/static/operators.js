// The other operators. A maker gets the shapes and the settings, and returns a function from arrays to an array.

const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

// The positions in an array of the broadcast values of each place of a shape.
function spread(from, to) {
  const shape = [...Array(to.length - from.length).fill(1), ...from];
  let step = 1;
  const steps = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    steps[axis] = shape[axis] === 1 ? 0 : step;
    step *= shape[axis];
  }
  return walk(to, to.map((size, axis) => Int32Array.from({ length: size }, (_, i) => i * steps[axis])), 0);
}

// The sums of one position from each axis' table, in order; -1 where one of them is negative.
function walk(shape, tables, start) {
  let found = [start];
  shape.forEach((size, axis) => {
    const next = new Int32Array(found.length * size);
    for (let i = 0, at = 0; i < found.length; i++) {
      for (let j = 0; j < size; j++, at++) {
        const step = tables[axis][j];
        next[at] = found[i] < 0 || step < 0 ? -1 : found[i] + step;
      }
    }
    found = next;
  });
  return Int32Array.from(found);
}

// log(erfc(z)) for z >= 0: a Chebyshev fit (Numerical Recipes, section 6.2), off by at most 1.2e-7.
function logErfc(z) {
  const t = 1 / (1 + 0.5 * z);
  return Math.log(t) - z * z + FIT.reduceRight((sum, it) => sum * t + it, 0);
}

const FIT = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];

const erf = (x) => Math.sign(x) * (1 - Math.exp(logErfc(Math.abs(x))));

function roundEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

const softplus = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const clamp = (x, low, high) => (x < low ? low : x > high ? high : x);

const UNARY = {
  Abs: () => Math.abs, Ceil: () => Math.ceil, Clip: (low, high) => (x) => clamp(x, low, high), Cos: () => Math.cos,
  Elu: (alpha) => (x) => (x < 0 ? alpha * Math.expm1(x) : x), Erf: () => erf, Exp: () => Math.exp,
  Floor: () => Math.floor, HardSigmoid: (alpha, beta) => (x) => clamp(alpha * x + beta, 0, 1),
  HardSwish: () => (x) => x * clamp(x / 6 + 0.5, 0, 1), LeakyRelu: (alpha) => (x) => (x < 0 ? alpha * x : x),
  Log: () => Math.log, Mish: () => (x) => x * Math.tanh(softplus(x)), Neg: () => (x) => -x,
  NonZero: () => (x) => (x === 0 ? 0 : 1), Not: () => (x) => (x === 0 ? 1 : 0), Reciprocal: () => (x) => 1 / x,
  Relu: () => (x) => (x < 0 ? 0 : x), Round: () => roundEven,
  Selu: (alpha, gamma) => (x) => gamma * (x < 0 ? alpha * Math.expm1(x) : x), Sigmoid: () => sigmoid,
  Sign: () => Math.sign, Sin: () => Math.sin, Softplus: () => softplus,
  Softsign: () => (x) => x / (1 + Math.abs(x)), Sqrt: () => Math.sqrt, Tanh: () => Math.tanh, Trunc: () => Math.trunc,
};

const BINARY = {
  Add: (a, b) => a + b, And: (a, b) => (a && b ? 1 : 0), Div: (a, b) => a / b, Equal: (a, b) => (a === b ? 1 : 0),
  Greater: (a, b) => (a > b ? 1 : 0), GreaterOrEqual: (a, b) => (a >= b ? 1 : 0), Less: (a, b) => (a < b ? 1 : 0),
  LessOrEqual: (a, b) => (a <= b ? 1 : 0), Max: Math.max, Min: Math.min, Mul: (a, b) => a * b,
  Or: (a, b) => (a || b ? 1 : 0), PRelu: (a, b) => (a < 0 ? a * b : a), Pow: Math.pow, Sub: (a, b) => a - b,
};

const REDUCTIONS = {
  ReduceMax: [-Infinity, Math.max], ReduceMean: [0, (a, b) => a + b], ReduceMin: [Infinity, Math.min],
  ReduceProd: [1, (a, b) => a * b], ReduceSum: [0, (a, b) => a + b],
};

// A loop of its own for each function, so that the engine that runs this can inline it.
const loops = {
  Add: (a, b, out) => { for (let i = 0; i < out.length; i++) out[i] = a[i] + b[i]; },
  Mul: (a, b, out) => { for (let i = 0; i < out.length; i++) out[i] = a[i] * b[i]; },
  Relu: (a, out) => { for (let i = 0; i < out.length; i++) out[i] = a[i] < 0 ? 0 : a[i]; },
  Sigmoid: (a, out) => { for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-a[i])); },
};

function makeUnary(shapes, output, { f, s }) {
  if (loops[f]) return loops[f];
  const call = UNARY[f](...(s || []));
  return (a, out) => { for (let i = 0; i < out.length; i++) out[i] = call(a[i]); };
}

function makeBinary([left, right], output, { f }) {
  const call = BINARY[f], size = sizeOf(output);
  const same = sizeOf(left) === size && sizeOf(right) === size;
  if (same) return loops[f] || ((a, b, out) => { for (let i = 0; i < size; i++) out[i] = call(a[i], b[i]); });
  const first = spread(left, output), second = spread(right, output);
  if (f === "Mul") return (a, b, out) => { for (let i = 0; i < size; i++) out[i] = a[first[i]] * b[second[i]]; };
  if (f === "Add") return (a, b, out) => { for (let i = 0; i < size; i++) out[i] = a[first[i]] + b[second[i]]; };
  return (a, b, out) => { for (let i = 0; i < size; i++) out[i] = call(a[first[i]], b[second[i]]); };
}

function makePick(shapes, output, { axes, fill = 0, start = 0 }) {
  const tables = axes.map((it, axis) =>
    it.length === 1 ? it[0] : Array.from({ length: output[axis] }, (_, i) => it[0] + i * it[1]));
  const map = walk(output, tables, start);
  return (a, out) => { for (let i = 0; i < map.length; i++) out[i] = map[i] < 0 ? fill : a[map[i]]; };
}

function makePool([input], output, { size, stride, dilation, pad, mean, all }) {
  const [, , height, width] = input, [, channels, rows, columns] = output;
  return (a, out) => {
    for (let c = 0, n = 0; c < channels; c++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, n++) {
          let best = -Infinity, sum = 0, count = 0;
          for (let i = 0; i < size[0]; i++) {
            const row = y * stride[0] - pad[0] + i * dilation[0];
            if (row < 0 || row >= height) continue;
            for (let j = 0; j < size[1]; j++) {
              const column = x * stride[1] - pad[1] + j * dilation[1];
              if (column < 0 || column >= width) continue;
              const value = a[(c * height + row) * width + column];
              if (value > best) best = value;
              sum += value;
              count++;
            }
          }
          out[n] = mean ? sum / (all ? size[0] * size[1] : count) : best;
        }
      }
    }
  };
}

function makeReduce([input], output, { f, axes }) {
  const kept = input.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const map = spread(kept, input), [start, call] = REDUCTIONS[f];
  const share = f === "ReduceMean" ? sizeOf(kept) / sizeOf(input) : 1, found = new Float64Array(sizeOf(kept));
  return (a, out) => {
    found.fill(start);
    for (let i = 0; i < map.length; i++) found[map[i]] = call(found[map[i]], a[i]);
    for (let i = 0; i < found.length; i++) out[i] = found[i] * share;
  };
}

function makeSoftmax([input], output, { axis, log }) {
  const many = input[axis], step = sizeOf(input.slice(axis + 1)), blocks = sizeOf(input.slice(0, axis));
  return (a, out) => {
    for (let block = 0; block < blocks; block++) {
      for (let lane = 0; lane < step; lane++) {
        const start = block * many * step + lane;
        let top = -Infinity, sum = 0;
        for (let i = 0; i < many; i++) top = Math.max(top, a[start + i * step]);
        for (let i = 0; i < many; i++) sum += Math.exp(a[start + i * step] - top);
        for (let i = 0; i < many; i++) {
          const value = a[start + i * step] - top;
          out[start + i * step] = log ? value - Math.log(sum) : Math.exp(value) / sum;
        }
      }
    }
  };
}

function makeTop([input], output, { of, largest }) {
  const many = input[input.length - 1], rows = sizeOf(input) / many, taken = sizeOf(output) / rows;
  const sign = largest ? 1 : -1;
  return (a, out) => {
    for (let row = 0; row < rows; row++) {
      const start = row * many;
      let order;
      if (taken === 1) {
        let best = 0;
        for (let i = 1; i < many; i++) if (sign * a[start + i] > sign * a[start + best]) best = i;
        order = [best];
      } else {
        order = Array.from({ length: many }, (_, i) => i).sort((i, j) => sign * (a[start + j] - a[start + i]) || i - j);
      }
      for (let i = 0; i < taken; i++) out[row * taken + i] = of === "place" ? order[i] : a[start + order[i]];
    }
  };
}

function makeConcat(inputs, output, { axis }) {
  const blocks = sizeOf(output.slice(0, axis)), sizes = inputs.map((it) => sizeOf(it.slice(axis)));
  return (...given) => {
    const out = given.pop();
    for (let block = 0, at = 0; block < blocks; block++) {
      given.forEach((a, i) => {
        out.set(a.subarray(block * sizes[i], (block + 1) * sizes[i]), at);
        at += sizes[i];
      });
    }
  };
}

function makeGather([rows], output) {
  const size = sizeOf(rows.slice(1));
  return (a, which, out) => {
    for (let i = 0; i < which.length; i++) {
      const row = which[i] < 0 ? which[i] + rows[0] : which[i];
      out.set(a.subarray(row * size, (row + 1) * size), i * size);
    }
  };
}

function makeWhere(inputs, output) {
  const [test, yes, no] = inputs.map((it) => spread(it, output));
  return (a, b, c, out) => { for (let i = 0; i < out.length; i++) out[i] = a[test[i]] ? b[yes[i]] : c[no[i]]; };
}
