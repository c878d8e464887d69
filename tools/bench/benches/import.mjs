import { createRequire } from 'node:module';
import { importOnnx } from '@q/ir/onnx';
import { printFigure } from '../figure.mjs';

const MEGABYTES = 100;
const LAYERS = 24;
const CHANNELS = 336;
const RUNS = 5;

/** A length-delimited protobuf field in front of its content, as parts, so that weights are written once. */
function field(number, ...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Buffer.from([...varint(number * 8 + 2), ...varint(length)]), ...parts];
}

function varint(value) {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

const integer = (number, value) => Buffer.from([...varint(number * 8), ...varint(value)]);
const text = (number, value) => field(number, Buffer.from(value));

function tensor(name, dims, data) {
  const content = [...dims.map((dim) => integer(1, dim)), integer(2, 1), ...text(8, name), ...field(9, data)];
  return field(5, ...content);
}

function node(type, inputs, output, attributes = []) {
  return field(1, ...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, type), ...attributes);
}

function ints(name, values) {
  return field(5, ...text(1, name), integer(20, 7), ...values.map((value) => integer(8, value)));
}

function value(number, name, dims) {
  const shape = dims.flatMap((dim) => field(1, integer(1, dim)));
  return field(number, ...text(1, name), ...field(2, ...field(1, integer(1, 1), ...field(2, ...shape))));
}

/** 3x3 convolutions with batch norms behind every second one, about 100 MB of weights: an ONNX file as exporters write it. */
function generate() {
  const parts = [];
  const filter = Buffer.alloc(CHANNELS * CHANNELS * 9 * 4, Buffer.from(Float32Array.of(0.001).buffer));
  const perChannel = Buffer.alloc(CHANNELS * 4, Buffer.from(Float32Array.of(1).buffer));
  let last = 'x';
  for (let layer = 0; layer < LAYERS; layer++) {
    parts.push(
      ...tensor(`w${layer}`, [CHANNELS, CHANNELS, 3, 3], filter),
      ...tensor(`b${layer}`, [CHANNELS], perChannel),
    );
    const window = [...ints('kernel_shape', [3, 3]), ...ints('pads', [1, 1, 1, 1])];
    parts.push(...node('Conv', [last, `w${layer}`, `b${layer}`], `c${layer}`, window));
    last = `c${layer}`;
    if (process.env.Q_IMPORT_BN !== '0' && layer % 2 === 1) {
      for (const part of ['scale', 'bias', 'mean', 'var'])
        parts.push(...tensor(`${part}${layer}`, [CHANNELS], perChannel));
      parts.push(
        ...node(
          'BatchNormalization',
          [last, ...['scale', 'bias', 'mean', 'var'].map((part) => `${part}${layer}`)],
          `n${layer}`,
        ),
      );
      last = `n${layer}`;
    }
    parts.push(...node('Relu', [last], `r${layer}`));
    last = `r${layer}`;
  }
  const graph = field(
    7,
    ...parts,
    ...text(2, 'generated'),
    ...value(11, 'x', [1, CHANNELS, 8, 8]),
    ...value(12, last, [1, CHANNELS, 8, 8]),
  );
  return new Uint8Array(Buffer.concat([integer(1, 8), ...graph, ...field(8, integer(2, 13))]));
}

/** All garbage; mapped buffers are let go of between collections. */
async function collect() {
  const { setFlagsFromString } = createRequire(import.meta.url)('node:v8');
  const { runInNewContext } = createRequire(import.meta.url)('node:vm');
  setFlagsFromString('--expose-gc');
  const collectOnce = runInNewContext('gc');
  for (let i = 0; i < 3; i++) {
    collectOnce();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Buffers, mapped ones included, and the objects of the engine. */
const held = () => {
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
};

/** Time and memory of importing; memory is what is held beyond the file, while the graph is alive and at the peak. */
async function run() {
  const bytes = generate();
  const times = [];
  let ratio = 0;
  let layers = 0;
  importOnnx(generate().subarray(0), { name: 'warm' });
  for (let index = 0; index < RUNS; index++) {
    await collect();
    const before = held();
    const started = performance.now();
    const graph = importOnnx(bytes, { name: 'generated' });
    times.push(performance.now() - started);
    // Before collection: what was allocated on the way counts, too.
    ratio = Math.max(ratio, (held() - before) / bytes.length);
    layers = graph.ops.length;
  }
  const median = times.sort((a, b) => a - b)[RUNS >> 1];
  const megabytes = bytes.length / 1e6;
  const perHundred = (median * MEGABYTES) / megabytes;
  printFigure({
    name: 'import-100mb',
    ratio: Number((perHundred / 1000).toPrecision(3)),
    better: 'lower',
    limit: 1,
    ms_per_100mb: Math.round(perHundred),
    file_mb: Math.round(megabytes),
    layers,
    runs: RUNS,
  });
  printFigure({
    name: 'import-100mb-memory',
    ratio: Number(ratio.toPrecision(3)),
    better: 'lower',
    limit: 1.3,
    of: 'bytes held beyond the file, over its size',
  });
  if (perHundred >= 1000 || ratio >= 1.3)
    throw new Error(`import needs ${Math.round(perHundred)} ms per 100 MB and ${ratio.toFixed(2)} times the file`);
}

export const benches = [
  { name: 'import-100mb', summary: 'import of a generated ONNX file of about 100 MB, time and memory', run },
];
