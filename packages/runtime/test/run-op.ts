import type { Graph, OpType } from '@q/ir';
import { compileKernels } from '@q/kernels-wasm';
import { createSession, type SessionOptions } from '../src/index.ts';
import { GraphBuilder, type TensorLike } from './graph-builder.ts';

const module = compileKernels();

export async function session(graph: Graph, options: SessionOptions = {}) {
  return createSession(graph, { module: await module, ...options });
}

export interface OneOp {
  readonly type: OpType;
  readonly attributes?: Record<string, unknown>;
  /** Operands that are computed (network inputs). */
  readonly inputs: readonly (TensorLike | null)[];
  /** Operands from this index on are weights. */
  readonly weightsFrom?: number;
  readonly results?: number;
}

/** Runs one operator as a graph and answers its results. */
export async function runOp({ type, attributes, inputs, weightsFrom = inputs.length, results = 1 }: OneOp) {
  const builder = new GraphBuilder();
  const feeds = new Map<string, TensorLike['data']>();
  const names = inputs.map((input, index) => {
    if (input === null) return null;
    if (index >= weightsFrom) return builder.weight(`w${index}`, input);
    feeds.set(`x${index}`, input.data);
    return builder.input(`x${index}`, input.shape);
  });
  const outputs = Array.from({ length: results }, (_, index) => `y${index}`);
  builder.add({ type, name: 'y0', inputs: names, outputs, ...(attributes && { attributes }) });
  const graph = builder.graph(outputs);
  const made = await session(graph, { nonFinite: 'allow' });
  const got = made.run(feeds);
  return outputs.map((name) => ({ shape: graph.values.get(name)!.shape, data: Array.from(got.get(name)!) }));
}

/** The first result's data. */
export async function dataOf(request: OneOp): Promise<number[]> {
  return (await runOp(request))[0]!.data;
}

export function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  if (actual.length !== expected.length) throw new Error(`${actual.length} elements, expected ${expected.length}`);
  actual.forEach((value, index) => {
    const want = expected[index]!;
    const fits = Object.is(value, want) || Math.abs(value - want) <= tolerance * Math.max(1, Math.abs(want));
    if (!fits) throw new Error(`element ${index}: ${value}, expected ${want} (of ${actual} / ${expected})`);
  });
}
