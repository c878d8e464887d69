import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inputsOf, largeBytes, typeOf } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';

const root = fileURLToPath(new URL('../../', import.meta.url));
const shared = process.env.Q_SHARED ?? `${root}../shared`;

const files = {
  'objects-cnn': `${root}test-models/objects-cnn/objects-cnn.onnx`,
  // Real pretrained networks are measured where they are at hand; they are not part of the repository.
  mobilenet_v1: `${shared}/models/mobilenet_v1_0.25_224.onnx`,
  yolox_nano: `${shared}/models/yolox_nano.onnx`,
};

/** Names of the networks that are on this machine. */
export const modelNames = Object.keys(files).filter((name) => existsSync(files[name]));

/** A network as file bytes and as our graph, with one input of reproducible noise. */
export function openModel(name) {
  return openNetwork(name, readLarge(files[name]));
}

/** A file's content in memory that the process gives back when it is collected. */
export function readLarge(path) {
  const file = openSync(path);
  try {
    const bytes = largeBytes(fstatSync(file).size);
    let at = 0;
    for (let read = 1; read > 0 && at < bytes.length; at += read) read = readSync(file, bytes, { offset: at });
    return bytes.subarray(0, at);
  } finally {
    closeSync(file);
  }
}

/** The same of an ONNX file at hand. */
export function openNetwork(name, bytes) {
  const graph = importOnnx(bytes, { name });
  const inputs = inputsOf(graph).map((input) => ({ name: input.name, shape: typeOf(graph, input.name).shape }));
  return {
    bytes,
    graph,
    feeds: new Map(
      inputs.map(({ name: input, shape }) => [input, { data: noise(shape.reduce((a, b) => a * b, 1)), shape }]),
    ),
  };
}

/** Uniform in [-1, 1) from a linear congruential generator (Numerical Recipes' constants), so that runs compare. */
export function noise(length, seed = 1) {
  const values = new Float32Array(length);
  writeNoise(values, seed);
  return values;
}

/** The same into an array at hand. */
export function writeNoise(values, seed = 1) {
  let state = seed >>> 0;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
}
