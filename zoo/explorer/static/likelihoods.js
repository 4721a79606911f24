// log p(x|z) of the zoo's likelihoods, from a decoder's raw parameters. Images are (H, W, C), in [0, 1].

// The logarithm of a scale, within (-7, 1), as zoo/likelihoods/location_scale.py has it.
function logScale(raw) {
  const turned = raw / 4 + 1 / 3;
  return -3 + (4 * turned) / (1 + Math.abs(turned));
}

function logLogisticMass(level, location, log) {
  const width = Math.exp(-log) / 255, middle = location * 255;
  let found = 0;
  if (level < 127.5) found -= softplus((middle - level - 0.5) * width);
  if (level > -127.5) found -= softplus((level - 0.5 - middle) * width);
  if (level > -127.5 && level < 127.5) found += Math.log(-Math.expm1(-width));
  return found;
}

function logNormalMass(level, location, log) {
  const width = Math.exp(-log) / 255, center = (level - location * 255) * width;
  if (level <= -127.5) return logNormalBelow(center + width / 2);
  if (level >= 127.5) return logNormalBelow(width / 2 - center);
  const c = -Math.abs(center);  // On this side the tail has no cancellation.
  if (width < 0.1) {
    // Gauss-Legendre with five points, of the density around the center.
    let sum = 0;
    for (const [place, weight] of GAUSS) {
      const t = (place * width) / 2;
      sum += weight * Math.exp(-c * t - (t * t) / 2);
    }
    return -(c * c) / 2 - HALF_LOG_TAU + Math.log((sum * width) / 2);
  }
  const high = logNormalBelow(c + width / 2), low = logNormalBelow(c - width / 2);
  return high + Math.log(-Math.expm1(low - high));
}

const HALF_LOG_TAU = Math.log(2 * Math.PI) / 2;
const GAUSS = [
  [0, 0.5688888888888889], [-0.5384693101056831, 0.47862867049936647], [0.5384693101056831, 0.47862867049936647],
  [-0.906179845938664, 0.23692688505618908], [0.906179845938664, 0.23692688505618908],
];

// The logarithm of the standard normal distribution function.
function logNormalBelow(x) {
  const tail = logErfc(Math.abs(x) * Math.SQRT1_2) - Math.LN2;
  return x < 0 ? tail : Math.log1p(-Math.exp(tail));
}

function locatedDensity(density) {
  return (image, raw, channels) => {
    let sum = 0;
    for (let i = 0; i < image.length; i++) {
      const at = Math.floor(i / channels) * 2 * channels + (i % channels);
      sum += density(image[i], raw[at], logScale(raw[at + channels]));
    }
    return sum;
  };
}

const levelOf = (x) => roundEven(x * 255) - 127.5;

function mixture(image, raw, channels, { components }) {
  const each = components * (1 + 2 * channels + (channels * (channels - 1)) / 2);
  const joint = new Float64Array(components);
  let sum = 0;
  for (let pixel = 0; pixel * channels < image.length; pixel++) {
    const start = pixel * each, at = (part, component) => raw[start + part * components + component];
    const level = (channel) => levelOf(image[pixel * channels + channel]);
    for (let k = 0; k < components; k++) {
      joint[k] = at(0, k);
      for (let c = 0, part = 1 + 2 * channels; c < channels; c++) {
        let location = at(1 + c, k) + (k + 0.5) / components - 0.5;
        for (let b = 0; b < c; b++, part++) location += (Math.tanh(at(part, k)) * level(b)) / 255;
        joint[k] += logLogisticMass(level(c), location, logScale(at(1 + channels + c, k)));
      }
    }
    sum += logSum(joint) - logSum(raw.subarray(start, start + components));
  }
  return sum;
}

function logSum(values) {
  let top = -Infinity, sum = 0;
  for (const value of values) top = Math.max(top, value);
  for (const value of values) sum += Math.exp(value - top);
  return top + Math.log(sum);
}

const LOG_PROBABILITIES = {
  bernoulli(image, raw) {
    let sum = 0;
    for (let i = 0; i < image.length; i++) sum -= image[i] * softplus(-raw[i]) + (1 - image[i]) * softplus(raw[i]);
    return sum;
  },
  discretized_gaussian: locatedDensity((x, place, log) => logNormalMass(levelOf(x), place, log)),
  discretized_logistic: locatedDensity((x, place, log) => logLogisticMass(levelOf(x), place, log)),
  gaussian: locatedDensity((x, place, log) => {
    const distance = (x - 0.5 - place) * Math.exp(-log);
    return -(distance * distance) / 2 - log - HALF_LOG_TAU;
  }),
  logistic_mixture: mixture,
};
