import type { Graph, KnownOp, QEvent, TensorType, TypedArray, Weight } from '@q/ir';
import { createSession } from '../../src/index.ts';

/** A type of codes. */
export function codes(
  shape: readonly number[],
  dtype: 'i4' | 'u4' | 'i8' | 'u8',
  scale = 1,
  zeroPoint = 0,
  expressed: 'f32' | 'f16' | 'bf16' = 'f32',
): TensorType {
  return { shape, dtype, quantization: { kind: 'uniform', expressed, scale, zeroPoint } };
}

export const floats = (shape: readonly number[], dtype: 'f32' | 'f16' | 'bf16' = 'f32'): TensorType => ({
  shape,
  dtype,
});

export interface OneOp {
  readonly type: string;
  readonly attributes?: object;
  /** Operands with their data: network inputs, or weights when `weight` is set. */
  readonly inputs: readonly ({
    readonly type: TensorType;
    readonly data: TypedArray;
    readonly weight?: boolean;
  } | null)[];
  readonly output: TensorType;
  readonly chip?: string;
  /** `module.asymmetric`; not said unless given. */
  readonly asymmetric?: boolean;
}

/** Runs one lowered operator and answers its result and the warnings. */
export async function runLowered({ type, attributes = {}, inputs, output, chip = 'bm1684x', asymmetric }: OneOp) {
  const names = inputs.map((input, index) => (input === null ? null : `x${index}`));
  const values = new Map<string, TensorType>([['y', output]]);
  const weights = new Map<string, Weight>();
  const ops: KnownOp[] = [];
  inputs.forEach((input, index) => {
    if (input === null) return;
    if (input.weight) weights.set(`x${index}`, { type: input.type, data: input.data });
    else {
      values.set(`x${index}`, input.type);
      ops.push({
        type: 'top.Input',
        name: `x${index}`,
        inputs: [],
        outputs: [`x${index}`],
        attributes: { doPreprocess: false },
      } as unknown as KnownOp);
    }
  });
  ops.push({ type, name: 'y', inputs: names, outputs: ['y'], attributes } as unknown as KnownOp);
  const graph: Graph = {
    name: 'one',
    state: 'TPU_LOWERED',
    chip,
    platform: 'ONNX',
    ops,
    values,
    weights,
    outputs: ['y'],
    tensorNames: new Map(),
    moduleAttributes: asymmetric === undefined ? {} : { 'module.asymmetric': { kind: 'bool', value: asymmetric } },
  };
  const events: QEvent[] = [];
  const session = await createSession(graph, { emit: (event) => events.push(event), nonFinite: 'allow' });
  const feeds = new Map(
    inputs.flatMap((input, index) => (input === null || input.weight ? [] : [[`x${index}`, input.data] as const])),
  );
  const result = Array.from(session.run(feeds).get('y')! as ArrayLike<number>);
  const accumulators = [...session.inexactAccumulators];
  session.dispose();
  return { result, accumulators, warnings: events.flatMap((event) => (event.type === 'warning' ? [event.code] : [])) };
}
