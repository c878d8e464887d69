import {
  f16Bits,
  type KnownOp,
  type OpOf,
  type Plan,
  type ScalarFunction,
  scalarFunctionOf,
  type TensorType,
} from '@q/ir';
import type { Bm168xContext } from './lowering/context.ts';

/**
 * Cast(int8 → float, one reader) followed by a float `tpu.Active` becomes a table of 256 floats (numerics.md 6.1), unless
 * the plan names the operator. The function is that of the Top operator of the same name.
 */
export function fuseFloatTables(context: Bm168xContext, plan: Plan, outputs: readonly string[]): void {
  const producers = new Map(context.ops.map((op) => [op.name, op]));
  const removed = new Set<string>();
  context.ops.forEach((op, index) => {
    if (op.type !== 'tpu.Active' || plan.ops.has(op.name)) return;
    const cast = producers.get(op.inputs[0]!);
    const source = cast?.type === 'tpu.Cast' ? context.values.get(cast.inputs[0]!) : undefined;
    const top = context.graph.ops.find((candidate) => candidate.name === op.name);
    const f = top && scalarFunctionOf(top);
    if (!cast || !f || source?.quantization?.kind !== 'uniform' || outputs.includes(cast.name)) return;
    const uses = context.ops.flatMap((other) => other.inputs).filter((name) => name === cast.name).length;
    if (uses !== 1) return;
    context.ops[index] = tableOp(context, op, cast.inputs[0]!, floatTable(f, source, context.values.get(op.name)!));
    removed.add(cast.name);
  });
  const kept = context.ops.filter((op) => !removed.has(op.name));
  context.ops.splice(0, context.ops.length, ...kept);
  for (const name of removed) context.values.delete(name);
}

function floatTable(
  f: ScalarFunction,
  source: TensorType,
  result: TensorType,
): { type: TensorType; data: Float32Array | Uint16Array } {
  const { scale, zeroPoint } = source.quantization as { scale: number; zeroPoint: number };
  const values = Float32Array.from({ length: 256 }, (_, index) => {
    const code = source.dtype === 'i8' && index > 127 ? index - 256 : index;
    return f((code - zeroPoint) * scale);
  });
  const type: TensorType = { shape: [1, 1, 1, 256], dtype: result.dtype };
  return { type, data: result.dtype === 'f16' ? Uint16Array.from(values, f16Bits) : values };
}

function tableOp(
  context: Bm168xContext,
  op: OpOf<'tpu.Active'>,
  input: string,
  table: { readonly type: TensorType; readonly data: Float32Array | Uint16Array },
): KnownOp {
  const name = context.addWeight(op.name, 'table', table.type, table.data);
  return { type: 'tpu.Lut', name: op.name, inputs: [input, name], outputs: op.outputs, attributes: {} };
}
