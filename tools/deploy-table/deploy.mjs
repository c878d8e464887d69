import { createHash } from 'node:crypto';
import { bm, cv, ir, runtime, search } from './packages.mjs';

export const targets = [bm.bm168x, cv.cv18xx].filter(Boolean);
export const processors = targets.flatMap((target) => target.processors.map((name) => ({ name, target })));

/** Share of the layers that `mixed` keeps in float: those that INT8 changes most. */
const FLOAT_SHARE = 0.1;

/** Every value of one run, as reals. */
export async function valuesOf(graph, feeds) {
  const session = await runtime.createSession(graph, { retain: 'all', nonFinite: 'allow' });
  try {
    session.run(feeds);
    const read = (name) => ir.dequantize(session.read(name), ir.typeOf(graph, name));
    return new Map([...graph.values.keys()].map((name) => [name, read(name)]));
  } finally {
    session.dispose();
  }
}

/** Results of lowered networks that differ in nothing but the name of the processor are computed once. */
const results = new Map();

async function runLowered(lowered, feeds) {
  const { text, weights } = ir.printMlir(lowered, { weightFile: 'w.npz' });
  const hash = createHash('sha256');
  // The runtime knows two kinds of arithmetic: that of CV18xx and that of all others.
  hash.update(lowered.chip.startsWith('cv18') && lowered.chip !== 'cv186x' ? 'cv18xx' : 'bm');
  hash.update(text.replace(/module\.chip = "[^"]*"/, '').replace(/module\.addr_mode = "[^"]*"/, ''));
  for (const [name, { data }] of weights) hash.update(name).update(ir.bytesOf(data));
  const key = hash.digest('hex');
  if (!results.has(key)) results.set(key, await valuesOf(lowered, feeds));
  return results.get(key);
}

export function forgetResults() {
  results.clear();
}

/** Deploys for one processor: least plain cosine over the outputs, or why it is refused. */
export async function deploy({ graph, floats, feeds, table, processor, quantizeTable }) {
  const plan = ir.planFromTables({
    processor: processor.name,
    precision: 'INT8',
    calibrationTable: table,
    ...(quantizeTable === undefined ? {} : { quantizeTable }),
  });
  let lowered;
  try {
    lowered = processor.target.lower(graph, plan, () => {});
  } catch (error) {
    if (!ir.isQError(error)) throw error;
    return { refused: reasonOf(error) };
  }
  const values = await runLowered(lowered, feeds);
  const cosines = graph.outputs.map((name, at) => cosineOf(floats.get(name), values.get(lowered.outputs[at])));
  return { cosine: Math.min(...cosines), values, lowered };
}

/**
 * A quantize table of the layers that INT8 changed most, and of everything behind the last products of the network (boxes
 * and scores share no scale), in the processor's float type.
 */
export function floatLayers({ graph, floats, int8, processor }) {
  const names = graph.ops.filter((op) => op.type !== 'top.Input').map((op) => op.name);
  const ranked = names
    .filter((name) => int8.values.has(name))
    .map((name) => ({ name, cosine: cosineOf(floats.get(name), int8.values.get(name)) }))
    .sort((a, b) => a.cosine - b.cosine);
  const count = Math.max(1, Math.round(names.length * FLOAT_SHARE));
  const mode = processor.target.floatType(processor.name);
  const chosen = new Set([...tailOf(graph), ...ranked.slice(0, count).map(({ name }) => name)]);
  return {
    header: [],
    rows: new Map([...chosen].map((name) => [name, { mode }])),
    comments: new Map(),
    warnings: [],
  };
}

const PRODUCTS = new Set(['top.Conv', 'top.Deconv', 'top.MatMul', 'top.LSTM', 'top.GRU']);

/** Layers from which an output is reached without another product. */
function tailOf(graph) {
  const tail = new Set();
  const wanted = new Set(graph.outputs);
  for (const op of [...graph.ops].reverse()) {
    if (op.type === 'top.Input' || PRODUCTS.has(op.type) || !op.outputs.some((name) => wanted.has(name))) continue;
    tail.add(op.name);
    for (const name of op.inputs) if (name !== null) wanted.add(name);
  }
  return tail;
}

function cosineOf(a, b) {
  if (a === undefined || b === undefined || a.length !== b.length) return Number.NaN;
  return search.cosine(search.pairSums(a, b));
}

/** Operator types and how many, from the issues of a refusal. */
function reasonOf(error) {
  const counts = new Map();
  for (const { code, where = '', found = '' } of error.issues) {
    const type = /\b(?:top|tpu)\.\w+/.exec(`${where} ${found}`)?.[0] ?? where;
    const key = `${type} (${code.replace(/^lower\./, '')})`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => (count > 1 ? `${count} ${key}` : key)).join(', ');
}
