import type { Graph, KnownOp, Plan, TensorType, ValueRange, Weight } from '@q/ir';
import { attributesFor } from '@q/ir/lowering';
import { createSession } from '@q/runtime';
import { cv18xx } from '../src/index.ts';

type OpType = Parameters<typeof attributesFor>[0];

/** Type, name, operands, attributes, shape of the result. */
export type OpShort = readonly [string, string, readonly (string | null)[], object, readonly number[]];

const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'f32' });

/** A Top graph in few words; its inputs are `in` and, where a second shape is given, `in2`. */
export function network(
  inputs: readonly (readonly number[])[],
  ops: readonly OpShort[],
  weights: Readonly<Record<string, readonly [readonly number[], readonly number[]]>> = {},
): Graph {
  const names = inputs.map((_, index) => (index === 0 ? 'in' : `in${index + 1}`));
  const make = (type: string, name: string, operands: readonly (string | null)[], attributes: object) =>
    ({ type, name, inputs: operands, outputs: [name], attributes }) as unknown as KnownOp;
  return {
    name: 'toy',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: [
      ...names.map((name) => make('top.Input', name, [], { doPreprocess: false })),
      ...ops.map(([type, name, operands, attributes]) =>
        make(type, name, operands, attributesFor(type as OpType, attributes)),
      ),
    ],
    values: new Map([
      ...names.map((name, index) => [name, f32(inputs[index]!)] as const),
      ...ops.map(([, name, , , shape]) => [name, f32(shape)] as const),
    ]),
    weights: new Map(
      Object.entries(weights).map(([name, [shape, data]]): [string, Weight] => [
        name,
        { type: f32(shape), data: Float32Array.from(data) },
      ]),
    ),
    outputs: [ops.at(-1)![1]],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

/** A plan with thresholds; `{}` and BF16 needs none. */
export function plan(thresholds: Readonly<Record<string, number>>, options: Partial<Plan> = {}): Plan {
  const values = Object.entries(thresholds).map(([name, threshold]): [string, ValueRange] => [
    name,
    { threshold, min: -threshold, max: threshold },
  ]);
  return {
    processor: 'cv183x',
    precision: 'INT8',
    asymmetric: false,
    ops: new Map(),
    values: new Map(values),
    ...options,
  };
}

/** Reals that the codes of a threshold stand for. */
export const reals = (codes: readonly number[], threshold: number): number[] =>
  codes.map((code) => (code * threshold) / 127);

/** Lowers and runs; every value of the lowered graph by name. */
export async function execute(graph: Graph, table: Plan, ...inputs: readonly (readonly number[])[]) {
  const lowered = cv18xx.lower(graph, table);
  const session = await createSession(lowered, { retain: 'all' });
  session.run(new Map(inputs.map((data, index) => [index === 0 ? 'in' : `in${index + 1}`, Float32Array.from(data)])));
  const values = new Map([...lowered.values.keys()].map((name) => [name, Array.from(session.slot(name).view())]));
  session.dispose();
  return { lowered, value: (name: string) => values.get(name)! };
}
