import { createSession } from '@q/runtime';

const EPSILON = 1e-5;

/**
 * Gives every convolution that a batch norm follows the statistics of real data: the samples go through the network operator
 * by operator, each such convolution's output is measured per channel, and the norm (with its own scale and shift) is
 * folded into the filter and the bias, as deployment tools do. Activations come out as sane as in a trained network.
 *
 * @param {import('./network-builder.mjs').NetworkBuilder} builder
 * @param {readonly string[]} outputs
 * @param {readonly Float32Array[]} samples One input each.
 * @returns {Promise<import('@q/ir').Graph>}
 */
export async function normalizeByData(builder, outputs, samples) {
  const raw = builder.graph(outputs);
  const session = await createSession(raw);
  const weights = new Map(raw.weights);
  const input = raw.ops[0].name;
  const states = samples.map((data) => new Map([[input, data]]));
  const readers = readersOf(raw);
  try {
    for (const op of raw.ops.slice(1)) {
      const results = states.map((values) => run(session, op, values));
      const norm = builder.normalised.get(op.name);
      const outputsOfOp = results.map((result) => result.get(op.name));
      if (norm !== undefined) fold(norm, outputsOfOp, raw.values.get(op.name).shape, weights);
      const classifier = builder.centred.get(op.name);
      if (classifier !== undefined) centre(classifier, outputsOfOp, weights);
      for (const [index, values] of states.entries()) {
        for (const [name, data] of results[index]) values.set(name, data);
        release(op, values, readers);
      }
      for (const name of op.inputs) readers.set(name, (readers.get(name) ?? 0) - 1);
    }
  } finally {
    session.dispose();
  }
  return { ...raw, weights };
}

function readersOf(graph) {
  const readers = new Map(graph.outputs.map((name) => [name, 1]));
  for (const op of graph.ops) for (const name of op.inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  return readers;
}

function run(session, op, values) {
  const feeds = new Map(op.inputs.filter((name) => values.has(name)).map((name) => [name, values.get(name)]));
  return session.runOp(op.name, feeds);
}

/** Forgets what nothing reads any more. */
function release(op, values, readers) {
  for (const name of op.inputs) if (readers.get(name) === 1) values.delete(name);
}

/** Measures the raw outputs, normalises them in place as the norm does, and writes the folded weights. */
function fold({ filter, bias, scale, shift }, outputs, [, channels, ...spatial], weights) {
  const area = spatial.reduce((product, dim) => product * dim, 1);
  const [filterWeight, biasWeight] = [weights.get(filter), weights.get(bias)];
  const newFilter = filterWeight.data.slice();
  const newBias = new Float32Array(channels);
  const perChannel = newFilter.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    const { mean, deviation } = statistics(outputs, channel, area);
    const factor = scale[channel] / deviation;
    const offset = shift[channel] - mean * factor;
    for (let i = channel * perChannel; i < (channel + 1) * perChannel; i++) newFilter[i] *= factor;
    newBias[channel] = biasWeight.data[channel] * factor + offset;
    for (const data of outputs) {
      for (let i = channel * area; i < (channel + 1) * area; i++) data[i] = data[i] * factor + offset;
    }
  }
  weights.set(filter, { ...filterWeight, data: newFilter });
  weights.set(bias, { ...biasWeight, data: newBias });
}

/** Takes the samples' mean off each logit, else every image would be of the same class, and scales all to the wished deviation. */
function centre({ filter, bias, deviation }, outputs, weights) {
  const length = outputs[0].length;
  const means = Array.from({ length }, (_, i) => outputs.reduce((sum, data) => sum + data[i], 0) / outputs.length);
  let squares = 0;
  for (const data of outputs) for (let i = 0; i < length; i++) squares += (data[i] - means[i]) ** 2;
  const factor = deviation / Math.sqrt(squares / (outputs.length * length));
  const [filterWeight, biasWeight] = [weights.get(filter), weights.get(bias)];
  weights.set(filter, { ...filterWeight, data: filterWeight.data.map((value) => value * factor) });
  weights.set(bias, { ...biasWeight, data: biasWeight.data.map((value, i) => (value - means[i]) * factor) });
}

function statistics(outputs, channel, area) {
  let [sum, squares] = [0, 0];
  for (const data of outputs) {
    for (let i = channel * area; i < (channel + 1) * area; i++) sum += data[i];
  }
  const mean = sum / (outputs.length * area);
  for (const data of outputs) {
    for (let i = channel * area; i < (channel + 1) * area; i++) squares += (data[i] - mean) ** 2;
  }
  return { mean, deviation: Math.sqrt(squares / (outputs.length * area) + EPSILON) };
}
