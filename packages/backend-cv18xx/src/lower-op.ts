import { functionTable, type KnownOp, scalarFunctionOf } from '@q/ir';
import { type LoweringContext, refuseOp, tpuFormOf } from '@q/ir/lowering';
import { lowerConv } from './convolution.ts';
import { lowerMatMul } from './mat-mul.ts';

/** Operators that only choose among codes. */
const MOVES: ReadonlySet<string> = new Set(
  [
    'MaxPool',
    'Relu',
    'Permute',
    'Reshape',
    'Slice',
    'Tile',
    'Squeeze',
    'Unsqueeze',
    'Depth2Space',
    'ShuffleChannel',
    'SwapChannel',
  ].map((name) => `top.${name}`),
);

/** Functions that become tables of codes. */
const TABLES: ReadonlySet<string> = new Set(
  [
    'Sigmoid',
    'SiLU',
    'Tanh',
    'GELU',
    'Mish',
    'Elu',
    'Exp',
    'Log',
    'Softplus',
    'Softsign',
    'HardSwish',
    'HardSigmoid',
    'Floor',
  ].map((name) => `top.${name}`),
);

/** Does the lowering define an INT8 form of this operator type? */
export function hasInt8Form(type: string): boolean {
  return type === 'top.Conv' || type === 'top.MatMul' || MOVES.has(type) || TABLES.has(type);
}

/** Lowers one operator to INT8, or refuses it by name. */
export function lowerOp(context: LoweringContext, op: KnownOp): void {
  if (op.type === 'top.Input') context.emit(op, context.floatType(op.name, 'f32'));
  else if (op.type === 'top.Conv') lowerConv(context, op);
  else if (op.type === 'top.MatMul') lowerMatMul(context, op);
  else if (TABLES.has(op.type)) lowerToTable(context, op);
  else if (MOVES.has(op.type)) lowerMove(context, op);
  else refuseOp(op, 'no INT8 definition here yet, and BF16 is not defined', 'a convolution, product, table or move');
}

function lowerMove(context: LoweringContext, op: KnownOp): void {
  if (op.type === 'top.Relu' && op.attributes.reluLimit > 0) {
    refuseOp(op, 'a limited Relu, which runs in BF16', 'no limit');
  }
  const form = tpuFormOf(op);
  context.emitAs(op, form.type, form.inputs, form.attributes, context.codeType(op.name, op));
}

function lowerToTable(context: LoweringContext, op: KnownOp): void {
  const f = scalarFunctionOf(op);
  if (f === undefined) refuseOp(op, 'no table for this function', [...TABLES].join(', '));
  const codes = functionTable(f, context.quantizerOf(op.inputs[0]!, op), context.quantizerOf(op.name, op));
  const table = context.addWeight(op.name, 'table', { shape: [1, 1, 1, 256], dtype: 'i8' }, codes);
  context.emitAs(op, 'tpu.Lut', [op.inputs[0]!, table], {}, context.codeType(op.name, op));
}
