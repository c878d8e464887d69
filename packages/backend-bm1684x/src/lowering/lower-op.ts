import { type KnownOp, scalarFunctionOf } from '@q/ir';
import { INT8_RUNS_FLOAT } from '../processors.ts';
import { lowerLeakyRelu, lowerPRelu, lowerSoftmax, lowerToTable } from './activation.ts';
import type { Bm168xContext } from './context.ts';
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
import { f16OrF32, lowerToFloat } from './float.ts';
import { lowerAvgPool, lowerCodesAsTheyAre, lowerConcat, lowerPad, lowerWhere } from './layout.ts';
import { lowerMatMul } from './mat-mul.ts';

/** Emits the integer form of `op`; answers false when this instance of it has none. */
function lowerToInteger(context: Bm168xContext, op: KnownOp): boolean {
  switch (op.type) {
    case 'top.Conv':
      return lowerConv(context, op);
    case 'top.Deconv':
      return lowerDeconv(context, op);
    case 'top.MatMul':
      return lowerMatMul(context, op);
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
    case 'top.MaxPool':
    case 'top.Relu':
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

/** The float type of an operator that INT8 was asked for, but that has no integer form (numerics.md 12). */
function fallbackOf(op: KnownOp): 'F16' | 'F32' {
  const listed = INT8_RUNS_FLOAT.get(op.type);
  if (listed !== undefined) return listed;
  // A product with a constant on the left, a concatenation with constants, other softmaxes and "And" go to F16.
  const toF16 = ['top.MatMul', 'top.Concat', 'top.Softmax', 'top.CompareConst', 'top.MulConst', 'top.PRelu'];
  return toF16.includes(op.type) ? 'F16' : 'F32';
}

/** Lowers one operator in the precision that it was assigned. */
export function lowerOp(context: Bm168xContext, op: KnownOp): void {
  const precision = context.precisionOf(op);
  const wanted =
    precision !== 'INT8'
      ? precision
      : !INT8_RUNS_FLOAT.has(op.type) && lowerToInteger(context, op)
        ? undefined
        : fallbackOf(op);
  if (wanted !== undefined) lowerToFloat(context, op, wanted === 'F16' ? f16OrF32(context, op) : 'f32');
}
