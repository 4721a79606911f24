// Sums of products: convolutions, their transposes and products of matrices are one loop,
//   out[row * stride + place[n]] = bias[row] + sum over k of left[row, k] * values[base[n] + steps[k]].

// Put a matrix (rows x depth) in blocks of four rows, so that the loop reads it in order.
function packRows(rows, depth, read) {
  const packed = new Float32Array(Math.ceil(rows / 4) * depth * 4);
  for (let row = 0; row < rows; row++) {
    const start = (row >> 2) * depth * 4 + (row & 3);
    for (let k = 0; k < depth; k++) packed[start + k * 4] = read(row, k);
  }
  return packed;
}

function multiply(job, left, values, out) {
  const { rows, depth, base, steps, place, stride, bias } = job;
  const count = base.length;
  const panel = job.panel || (job.panel = new Float32Array(depth * 4));
  for (let n = 0; n < count; n += 4) {
    const width = Math.min(4, count - n);
    if (width === 1) {
      multiplyOne(job, left, values, out, n);
      continue;
    }
    // Places beyond the last are computed again, and not written.
    const b0 = base[n], b1 = base[n + 1], b2 = base[n + (width > 2 ? 2 : 1)], b3 = base[n + width - 1];
    for (let k = 0, at = 0; k < depth; k++, at += 4) {
      const step = steps[k];
      panel[at] = values[b0 + step];
      panel[at + 1] = values[b1 + step];
      panel[at + 2] = values[b2 + step];
      panel[at + 3] = values[b3 + step];
    }
    for (let row = 0; row < rows; row += 4) {
      block(panel, left, row * depth, depth * 4);
      const high = Math.min(4, rows - row);
      for (let i = 0; i < high; i++) {
        const start = (row + i) * stride, added = bias ? bias[row + i] : 0;
        for (let j = 0; j < width; j++) out[start + place[n + j]] = sums[i * 4 + j] + added;
      }
    }
  }
}

const sums = new Float64Array(16);

// Four rows times four places, two rows at a time: eight sums and what they need fit into a processor's registers.
function block(panel, left, start, length) {
  for (let pair = 0; pair < 4; pair += 2) {
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let at = 0, l = start + pair; at < length; at += 4, l += 4) {
      const x = left[l], y = left[l + 1];
      const p = panel[at], q = panel[at + 1], r = panel[at + 2], s = panel[at + 3];
      a += x * p; b += x * q; c += x * r; d += x * s;
      e += y * p; f += y * q; g += y * r; h += y * s;
    }
    const to = pair * 4;
    sums[to] = a; sums[to + 1] = b; sums[to + 2] = c; sums[to + 3] = d;
    sums[to + 4] = e; sums[to + 5] = f; sums[to + 6] = g; sums[to + 7] = h;
  }
}

function multiplyOne(job, left, values, out, n) {
  const { rows, depth, steps, stride, bias } = job;
  const base = job.base[n], place = job.place[n];
  for (let row = 0; row < rows; row += 4) {
    let a = 0, b = 0, c = 0, d = 0;
    for (let k = 0, l = row * depth; k < depth; k++, l += 4) {
      const value = values[base + steps[k]];
      a += left[l] * value; b += left[l + 1] * value; c += left[l + 2] * value; d += left[l + 3] * value;
    }
    const found = [a, b, c, d];
    for (let i = 0; i < 4 && row + i < rows; i++) {
      out[(row + i) * stride + place] = found[i] + (bias ? bias[row + i] : 0);
    }
  }
}

// Copy an image (channels, height, width) into one with room around it.
function surround(values, channels, height, width, top, left, high, wide, out) {
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const from = (c * height + y) * width;
      out.set(values.subarray(from, from + width), (c * high + y + top) * wide + left);
    }
  }
  return out;
}

// How many rows of room are needed so that all of `count` windows lie within.
const roomFor = (count, stride, reach, before, size) => Math.max((count - 1) * stride + reach, before + size);

function makeConvolution(shapes, weights, { stride, dilation, pad, group }) {
  const [, channels, height, width] = shapes.input, [, filters, rows, columns] = shapes.output;
  const [, each, tall, broad] = weights.shape;
  const high = roomFor(rows, stride[0], (tall - 1) * dilation[0] + 1, pad[0], height);
  const wide = roomFor(columns, stride[1], (broad - 1) * dilation[1] + 1, pad[1], width);
  const depth = each * tall * broad, many = filters / group;
  const steps = new Int32Array(depth), base = new Int32Array(rows * columns), place = new Int32Array(rows * columns);
  for (let c = 0, k = 0; c < each; c++) {
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < broad; x++) steps[k++] = (c * high + y * dilation[0]) * wide + x * dilation[1];
    }
  }
  for (let y = 0, n = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, n++) {
      base[n] = y * stride[0] * wide + x * stride[1];
      place[n] = n;
    }
  }
  const packed = Array.from({ length: group }, (_, g) =>
    packRows(many, depth, (row, k) => weights.data[(g * many + row) * depth + k]));
  const room = new Float32Array(channels * high * wide);
  const job = { rows: many, depth, base, steps, place, stride: rows * columns };
  return (values, out, bias) => {
    surround(values, channels, height, width, pad[0], pad[1], high, wide, room);
    for (let g = 0; g < group; g++) {
      job.bias = bias && bias.subarray(g * many, (g + 1) * many);
      multiply(job, packed[g], room.subarray(g * each * high * wide), out.subarray(g * many * rows * columns));
    }
  };
}

// The places of the output that lie equally within the strides are one ordinary convolution with some of the weights.
function makeTransposedConvolution(shapes, weights, { stride, dilation, pad, group }) {
  const [, channels, height, width] = shapes.input, [, filters, rows, columns] = shapes.output;
  const [, many, tall, broad] = weights.shape, each = channels / group;
  const above = (tall - 1) * dilation[0], before = (broad - 1) * dilation[1];
  const high = height + above + Math.ceil((rows + pad[0]) / stride[0]);
  const wide = width + before + Math.ceil((columns + pad[1]) / stride[1]);
  const jobs = [];
  for (let py = 0; py < stride[0]; py++) {
    for (let px = 0; px < stride[1]; px++) {
      const taps = [];
      for (let y = 0; y < tall; y++) {
        for (let x = 0; x < broad; x++) {
          const dy = py + pad[0] - y * dilation[0], dx = px + pad[1] - x * dilation[1];
          if (dy % stride[0] === 0 && dx % stride[1] === 0) taps.push([y, x, dy / stride[0], dx / stride[1]]);
        }
      }
      const base = [], place = [], steps = [];
      for (let y = py; y < rows; y += stride[0]) {
        for (let x = px; x < columns; x += stride[1]) {
          base.push(((y - py) / stride[0] + above) * wide + (x - px) / stride[1] + before);
          place.push(y * columns + x);
        }
      }
      if (!base.length) continue;
      for (let c = 0; c < each; c++) for (const [, , dy, dx] of taps) steps.push((c * high + dy) * wide + dx);
      const packed = Array.from({ length: group }, (_, g) => packRows(many, steps.length, (row, k) => {
        const [y, x] = taps[k % taps.length], c = g * each + Math.floor(k / taps.length);
        return weights.data[((c * many + row) * tall + y) * broad + x];
      }));
      jobs.push({
        packed, rows: many, depth: steps.length, stride: rows * columns,
        base: Int32Array.from(base), place: Int32Array.from(place), steps: Int32Array.from(steps),
      });
    }
  }
  const room = new Float32Array(channels * high * wide);
  return (values, out, bias) => {
    surround(values, channels, height, width, above, before, high, wide, room);
    for (const job of jobs) {
      for (let g = 0; g < group; g++) {
        job.bias = bias && bias.subarray(g * many, (g + 1) * many);
        multiply(job, job.packed[g], room.subarray(g * each * high * wide), out.subarray(g * many * rows * columns));
      }
    }
  };
}

// Products of matrices, as numpy.matmul; a known right side is packed once.
function makeProduct(shapes, known) {
  const a = shapes.left.length > 1 ? shapes.left : [1, ...shapes.left];
  const b = shapes.right.length > 1 ? shapes.right : [...shapes.right, 1];
  const [rows, depth] = a.slice(-2), columns = b[b.length - 1];
  const batches = shapes.output.slice(0, Math.max(a.length, b.length) - 2);
  const lefts = spread(a.slice(0, -2), batches), rights = spread(b.slice(0, -2), batches);
  const pack = (data, start) => packRows(columns, depth, (column, k) => data[start + k * columns + column]);
  const once = known && rights.every((it) => it === 0) ? pack(known, 0) : null;
  const job = {
    rows: columns, depth, stride: 1, steps: Int32Array.from({ length: depth }, (_, k) => k),
    base: Int32Array.from({ length: rows }, (_, n) => n * depth),
    place: Int32Array.from({ length: rows }, (_, n) => n * columns),
  };
  return (left, right, out) => {
    for (let i = 0; i < lefts.length; i++) {
      multiply(job, once || pack(right, rights[i] * depth * columns), left.subarray(lefts[i] * rows * depth),
        out.subarray(i * rows * columns));
    }
  };
}
