import type { KnownOp, OpOf } from '@q/ir';
import { refuseOp } from '@q/ir/lowering';
import { logTables, powerTables, slopeTables, type TablePair } from './bf16-tables.ts';
import type { Cv18xxContext } from './context.ts';
import { slopeFunctionOf } from './functions.ts';

type LutMode = 'Slope' | 'Mantissa' | 'Log';

/** Names of the two tables of a kind, as the vendor names them. */
const SUFFIXES = {
  slope: ['slope_table', 'slope_slope_table'],
  pow: ['pow_table', 'pow_mantissa_table'],
  log: ['log_table', 'log_mantissa_table'],
} as const;

function addTables(context: Cv18xxContext, owner: string, kind: keyof typeof SUFFIXES, tables: TablePair) {
  const [first, second] = SUFFIXES[kind];
  return [context.addTable(owner, first, tables.first), context.addTable(owner, second, tables.second)] as const;
}

function emitLut(
  context: Cv18xxContext,
  op: KnownOp,
  tables: readonly [string, string],
  range: { readonly lutMode: LutMode; readonly minRange: number; readonly maxRange: number },
): true {
  context.emitAs(op, 'tpu.LutBF16', [op.inputs[0]!, ...tables], range, context.bf16Type(op.name));
  return true;
}

const EXPONENTS = { minRange: -62, maxRange: 63 } as const;

/** A function of one operand as a pair of bfloat16 tables (numerics.md 10). False: this operator has none. */
export function lowerToBf16Tables(context: Cv18xxContext, op: KnownOp): boolean {
  const slope = slopeFunctionOf(op);
  if (slope !== undefined) {
    const tables = addTables(context, op.name, 'slope', slopeTables(slope.f, slope.bound));
    return emitLut(context, op, tables, { lutMode: 'Slope', minRange: -slope.bound, maxRange: slope.bound });
  }
  if (op.type === 'top.Log') {
    return emitLut(context, op, addTables(context, op.name, 'log', logTables()), { lutMode: 'Log', ...EXPONENTS });
  }
  if (op.type !== 'top.Pow' && op.type !== 'top.Reciprocal') return false;
  if (op.type === 'top.Reciprocal' && op.attributes.constVal !== 1) {
    refuseOp(op, `${op.attributes.constVal} / x in BF16, whose numerator TPU-MLIR loses`, '1 / x');
  }
  if (op.type === 'top.Reciprocal' && op.attributes.doRelu) refuseOp(op, 'a fused Relu', 'none');
  const tables = addTables(context, op.name, 'pow', powerTables(op.type === 'top.Pow' ? op.attributes.exponent : -1));
  return emitLut(context, op, tables, { lutMode: 'Mantissa', ...EXPONENTS });
}

/** Softmax in BF16: the exponential with slopes, and the reciprocal (or logarithm) of the sum by mantissa. */
export function lowerSoftmax(context: Cv18xxContext, op: OpOf<'top.Softmax'>): void {
  const { log, beta } = op.attributes;
  if (beta !== 1) refuseOp(op, `beta = ${beta}`, '1');
  const exponential = addTables(context, op.name, 'slope', slopeTables(Math.exp, 15));
  const last = log
    ? addTables(context, op.name, 'log', logTables())
    : addTables(context, op.name, 'pow', powerTables(-1));
  const inputs = [op.inputs[0]!, ...exponential, ...last];
  context.emitAs(op, 'tpu.Softmax', inputs, op.attributes, context.bf16Type(op.name));
}

/** LayerNorm in BF16: the reciprocal square root by mantissa. */
export function lowerLayerNorm(context: Cv18xxContext, op: OpOf<'top.LayerNorm'>): void {
  const [input, weight, bias] = op.inputs as readonly [string, (string | null)?, (string | null)?];
  const tables = powerTables(-0.5);
  const inputs = [
    input,
    weight == null ? null : context.bf16Operand(weight),
    bias == null ? null : context.bf16Operand(bias),
    context.addTable(op.name, 'table', tables.first),
    context.addTable(op.name, 'mantissa_table', tables.second),
  ];
  context.emitAs(op, 'tpu.LayerNorm', inputs, op.attributes, context.bf16Type(op.name));
}
