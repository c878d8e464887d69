import {
  bf16Bits,
  f16Bits,
  functionTable,
  type KnownOp,
  type OpOf,
  type Plan,
  type ScalarFunction,
  scalarFunctionOf,
  type TableSide,
  type TensorType,
  type Uniform,
} from '@q/ir';
import type { Bm168xContext } from './lowering/context.ts';

/** A cast, the function behind it, and the cast of its result back to codes if nothing else reads that. */
interface Chain {
  readonly cast: KnownOp;
  readonly active: OpOf<'tpu.Active'>;
  readonly back: KnownOp | undefined;
  readonly function: ScalarFunction;
}

/** Readers of every value, once per use; the network's own use of an output counts too. */
function readersOf(
  context: Bm168xContext,
  outputs: readonly string[],
): ReadonlyMap<string, readonly (KnownOp | undefined)[]> {
  const readers = new Map<string, (KnownOp | undefined)[]>();
  const add = (name: string, reader: KnownOp | undefined): void => {
    readers.set(name, [...(readers.get(name) ?? []), reader]);
  };
  for (const op of context.ops) for (const name of op.inputs) if (name !== null) add(name, op);
  for (const name of outputs) add(name, undefined);
  return readers;
}

function chainsOf(context: Bm168xContext, plan: Plan, outputs: readonly string[]): readonly Chain[] {
  const producers = new Map(context.ops.map((op) => [op.name, op]));
  const readers = readersOf(context, outputs);
  return context.ops.flatMap((active): Chain[] => {
    if (active.type !== 'tpu.Active' || plan.ops.has(active.name)) return [];
    const cast = producers.get(active.inputs[0]!);
    const isCodes = (name: string): boolean => context.values.get(name)?.quantization?.kind === 'uniform';
    if (cast?.type !== 'tpu.Cast' || !isCodes(cast.inputs[0]!) || readers.get(cast.name)!.length !== 1) return [];
    const top = context.graph.ops.find((candidate) => candidate.name === active.name);
    const f = top && scalarFunctionOf(top);
    if (!f) return [];
    const [reader, ...others] = readers.get(active.name) ?? [];
    const back = others.length === 0 && reader?.type === 'tpu.Cast' && isCodes(reader.name) ? reader : undefined;
    return [{ cast, active, back, function: f }];
  });
}

/**
 * Cast(int8 → float, one reader) followed by a float `tpu.Active` becomes a table (numerics.md 6.1), unless the plan names
 * the operator: of 256 floats, or of codes where the result is only cast back. The function is that of the Top operator
 * of the same name.
 */
export function fuseFloatTables(context: Bm168xContext, plan: Plan, outputs: readonly string[]): void {
  const removed = new Set<string>();
  const tables = new Map<string, KnownOp>();
  for (const { cast, active, back, function: f } of chainsOf(context, plan, outputs)) {
    const source = cast.inputs[0]!;
    const from = context.values.get(source)!;
    const replaced = back ?? active;
    const result = context.values.get(replaced.name)!;
    const table = back === undefined ? floatTable(f, from, result) : codeTable(f, from, result);
    tables.set(replaced.name, tableOp(context, replaced, source, table));
    removed.add(cast.name);
    if (back !== undefined) removed.add(active.name);
  }
  const kept = context.ops.filter((op) => !removed.has(op.name)).map((op) => tables.get(op.name) ?? op);
  context.ops.splice(0, context.ops.length, ...kept);
  for (const name of removed) context.values.delete(name);
}

interface Table {
  readonly type: TensorType;
  readonly data: Float32Array | Uint16Array | Int8Array | Uint8Array;
}

const sideOf = (type: TensorType): TableSide => {
  const { scale, zeroPoint } = type.quantization as Uniform;
  return { scale, zeroPoint, signed: type.dtype === 'i8' };
};

function codeTable(f: ScalarFunction, source: TensorType, result: TensorType): Table {
  const type: TensorType = { shape: [1, 1, 1, 256], dtype: result.dtype };
  return { type, data: functionTable(f, sideOf(source), sideOf(result)) };
}

function floatTable(f: ScalarFunction, source: TensorType, result: TensorType): Table {
  const { scale, zeroPoint } = source.quantization as { scale: number; zeroPoint: number };
  const values = Float32Array.from({ length: 256 }, (_, index) => {
    const code = source.dtype === 'i8' && index > 127 ? index - 256 : index;
    return f((code - zeroPoint) * scale);
  });
  const type: TensorType = { shape: [1, 1, 1, 256], dtype: result.dtype };
  const bits = result.dtype === 'f16' ? f16Bits : result.dtype === 'bf16' ? bf16Bits : undefined;
  return { type, data: bits === undefined ? values : Uint16Array.from(values, bits) };
}

function tableOp(context: Bm168xContext, op: KnownOp, input: string, table: Table): KnownOp {
  const name = context.addWeight(op.name, 'table', table.type, table.data);
  return { type: 'tpu.Lut', name: op.name, inputs: [input, name], outputs: op.outputs, attributes: {} };
}
