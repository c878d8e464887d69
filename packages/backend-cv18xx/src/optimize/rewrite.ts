import type { KnownOp, Op, OpOf, OpType, TensorType } from '@q/ir';
import type { Range, WorkingGraph } from '@q/ir/lowering';
import { attributesFor } from '@q/ir/lowering';

/** What rewrites read and change: the graph, the calibrated ranges, and which new values have none on purpose. */
export interface Rewriting {
  readonly graph: WorkingGraph;
  readonly ranges: Map<string, Range>;
  readonly uncalibrated: Set<string>;
}

/** One rewrite of the operator at `index`; answers whether it applied. */
export type Rewrite = (state: Rewriting, op: Op, index: number) => boolean;

/** An operator with one result; attributes that are not given have their defaults. */
export function makeOp<T extends OpType>(
  type: T,
  name: string,
  inputs: readonly (string | null)[],
  attributes: object,
): KnownOp {
  const op = { type, name, inputs, outputs: [name], attributes: attributesFor(type, attributes) };
  return op as unknown as OpOf<T> & KnownOp;
}

/** A new value; one without `range` runs in float wherever it is read. */
export function addValue(state: Rewriting, name: string, type: TensorType, range: Range | undefined): void {
  state.graph.values.set(name, type);
  if (range === undefined) state.uncalibrated.add(name);
  else state.ranges.set(name, range);
}

/** A new weight; the name is numbered when it is taken. */
export function addWeight(state: Rewriting, name: string, shape: readonly number[], data: Float32Array): string {
  const { weights } = state.graph;
  let unique = name;
  for (let k = 1; weights.has(unique); k++) unique = `${name}_${k}`;
  weights.set(unique, { type: { shape, dtype: 'f32' }, data });
  return unique;
}

/** Replaces the operator at `index` by several; the last one makes the old one's result. */
export function replaceBy(state: Rewriting, index: number, ops: readonly KnownOp[]): true {
  state.graph.ops.splice(index, 0, ...ops.slice(0, -1));
  state.graph.replace(index + ops.length - 1, ops.at(-1));
  return true;
}
