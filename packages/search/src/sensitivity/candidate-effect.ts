import type { Graph, Op, TypedArray, Weight } from '@q/ir';
import { differenceOf } from '@q/runtime';
import { digestOf, digestOfText } from './digest.ts';

/** Names what networks compute otherwise than a base network: two with the same effect score alike on every sample. */
export class CandidateEffects {
  readonly #base: Graph;
  readonly #known = new WeakMap<Graph, string>();

  constructor(base: Graph) {
    this.#base = base;
  }

  /** 32 hexadecimal digits. What follows a difference need not be named: the base determines it. */
  of(graph: Graph): string {
    const known = this.#known.get(graph);
    if (known !== undefined) return known;
    const { local, weights } = differenceOf(this.#base, graph);
    const parts = [graph.chip, graph.outputs, ...local.map((op) => describeOperator(op, graph, weights))];
    const effect = digestOfText(JSON.stringify(parts, exactNumbers));
    this.#known.set(graph, effect);
    return effect;
  }
}

/** Names all that a network computes. */
export function graphDigest(graph: Graph): string {
  const parts = graph.ops.map((op) => describeOperator(op, graph, graph.weights));
  return digestOfText(JSON.stringify([graph.chip, graph.outputs, parts], exactNumbers));
}

function describeOperator(op: Op, graph: Graph, weights: ReadonlyMap<string, Weight>): readonly unknown[] {
  const types = op.outputs.map((name) => {
    const type = name === null ? undefined : graph.values.get(name);
    if (type === undefined) return null;
    return [type.dtype, type.shape, type.quantization?.kind === 'calibrated' ? null : type.quantization];
  });
  const own = op.inputs.map((name) => {
    const weight = name === null ? undefined : weights.get(name);
    return weight === undefined ? null : [weight.type.dtype, weight.type.shape, digestOfData(weight.data)];
  });
  return [op.type, op.name, op.inputs, op.outputs, op.attributes, types, own];
}

const digests = new WeakMap<TypedArray, string>();

/** The digest of an array that nobody changes. */
function digestOfData(data: TypedArray): string {
  const known = digests.get(data);
  if (known !== undefined) return known;
  const digest = digestOf(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  digests.set(data, digest);
  return digest;
}

/** JSON has neither −0 nor what is not finite. */
function exactNumbers(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value);
}
