import { type KnownOp, type Precision, scalarFunctionOf } from '@q/ir';
import { INT8_RUNS_FLOAT, isIntegerPrecision } from '../processors.ts';
import { lowerLeakyRelu, lowerPRelu, lowerSoftmax, lowerToTable } from './activation.ts';
import type { Bm168xContext, FloatType } from './context.ts';
import { lowerConv, lowerDeconv } from './convolution.ts';
import {
  lowerAdd,
  lowerAddConst,
  lowerCompare,
  lowerCompareConst,
  lowerExtremumConst,
  lowerMul,
  lowerMulConst,
  lowerSub,
} from './elementwise.ts';
import { floatTypeOf, lowerToFloat } from './float.ts';
import { lowerConvInt4, lowerMatMulInt4 } from './int4.ts';
import { lowerAvgPool, lowerCodesAsTheyAre, lowerConcat, lowerPad, lowerWhere } from './layout.ts';
import { lowerMatMul } from './mat-mul.ts';
import { lowerWeightOnly } from './weight-only.ts';

/** Emits the integer form of `op`; answers false when this instance of it has none. */
function lowerToInteger(context: Bm168xContext, op: KnownOp): boolean {
  switch (op.type) {
    case 'top.Conv':
      return lowerConv(context, op);
    case 'top.Deconv':
      return lowerDeconv(context, op);
    case 'top.Add':
      return lowerAdd(context, op);
    case 'top.Sub':
      return lowerSub(context, op);
    case 'top.Mul':
      return lowerMul(context, op);
    case 'top.MulConst':
      return lowerMulConst(context, op);
    case 'top.AddConst':
    case 'top.SubConst':
      return lowerAddConst(context, op);
    case 'top.MaxConst':
    case 'top.MinConst':
      return lowerExtremumConst(context, op);
    case 'top.Compare':
      return lowerCompare(context, op);
    case 'top.CompareConst':
      return lowerCompareConst(context, op);
    case 'top.LeakyRelu':
      return lowerLeakyRelu(context, op);
    case 'top.PRelu':
      return lowerPRelu(context, op);
    case 'top.Softmax':
      return lowerSoftmax(context, op);
    case 'top.Concat':
      return lowerConcat(context, op);
    case 'top.Pad':
      return lowerPad(context, op);
    case 'top.AvgPool':
      return lowerAvgPool(context, op);
    case 'top.Where':
      return lowerWhere(context, op);
    case 'top.Relu':
      return !context.asymmetric && lowerCodesAsTheyAre(context, op);
    case 'top.MaxPool':
    case 'top.Max':
    case 'top.Min':
    case 'top.Permute':
    case 'top.Reshape':
    case 'top.Slice':
    case 'top.Tile':
    case 'top.Squeeze':
    case 'top.Unsqueeze':
    case 'top.Upsample':
    case 'top.Depth2Space':
    case 'top.ShuffleChannel':
    case 'top.SwapChannel':
    case 'top.SwapDimInner':
      return lowerCodesAsTheyAre(context, op);
    default:
      return scalarFunctionOf(op) !== undefined && lowerToTable(context, op);
  }
}

/** The float type of an operator that integers were asked for, but that has no integer form (numerics.md 12). */
function fallbackOf(context: Bm168xContext, op: KnownOp): 'F16' | 'F32' {
  const listed = INT8_RUNS_FLOAT.get(op.type);
  if (listed !== undefined) return listed;
  if (RUNS_F16.has(op.type)) return 'F16';
  return context.asymmetric && RUNS_F16_ASYMMETRIC.has(op.type) ? 'F16' : 'F32';
}

/** Concatenations with constants, other softmaxes and "And" go to F16. */
const RUNS_F16: ReadonlySet<string> = new Set([
  'top.Concat',
  'top.Softmax',
  'top.CompareConst',
  'top.MulConst',
  'top.PRelu',
]);

/** What has no form with zero points but one without; an average goes to F16 as well, where it is then put into F32. */
const RUNS_F16_ASYMMETRIC: ReadonlySet<string> = new Set([
  'top.AddConst',
  'top.SubConst',
  'top.LeakyRelu',
  'top.AvgPool',
]);

/** Emits the integer form of `op`; answers the float precision that it runs in when this instance of it has none. */
function lowerToCodes(context: Bm168xContext, op: KnownOp): Precision | undefined {
  if (INT8_RUNS_FLOAT.has(op.type)) return fallbackOf(context, op);
  const byFour = context.precisionOf(op) === 'INT4';
  if (op.type === 'top.Conv' && byFour) return lowerConvInt4(context, op) ? undefined : fallbackOf(context, op);
  if (op.type === 'top.MatMul') {
    const done = byFour ? lowerMatMulInt4(context, op) : lowerMatMul(context, op);
    return done === true ? undefined : done;
  }
  return lowerToInteger(context, op) ? undefined : fallbackOf(context, op);
}

/** `W8BF16`, like `BF16`, computes in bfloat16; everything else that is not F16 in f32. */
function floatTypeNamed(precision: Precision): FloatType {
  if (precision.endsWith('BF16')) return 'bf16';
  return precision.endsWith('F16') ? 'f16' : 'f32';
}

/** Lowers one operator in the precision that it was assigned. */
export function lowerOp(context: Bm168xContext, op: KnownOp): void {
  const precision = context.precisionOf(op);
  const wanted = isIntegerPrecision(precision) ? lowerToCodes(context, op) : precision;
  if (wanted === undefined) return;
  const dtype = floatTypeNamed(wanted);
  const isWeightOnly = op.type === 'top.MatMul' && wanted.startsWith('W') && dtype !== 'f32';
  if (isWeightOnly && lowerWeightOnly(context, op, dtype)) return;
  lowerToFloat(context, op, floatTypeOf(context, op, dtype));
}
