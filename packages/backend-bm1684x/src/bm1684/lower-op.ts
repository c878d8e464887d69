import type { KnownOp } from '@q/ir';
import { type LoweringContext, refuseOp } from '@q/ir/lowering';
import { lowerLeakyRelu, lowerPRelu, lowerRelu, lowerToTable } from './activation.ts';
import { lowerConvolution, lowerMatMul } from './convolution.ts';
import { lowerAddConst, lowerExtremumConst, lowerMul, lowerMulConst, lowerSum } from './elementwise.ts';
import { lowerToFloat } from './float.ts';
import { lowerCompare, lowerCompareConst, lowerConcat, lowerMove, lowerPad, lowerWhere } from './layout.ts';
import { isDefined, MOVES, TABLES } from './operators.ts';
import { lowerAvgPool, lowerMaxPool } from './pooling.ts';
import { lowerScale } from './scale.ts';

/** Emits the integer form of `op`; answers false when this instance of it has none. */
function lowerToInteger(context: LoweringContext, op: KnownOp): boolean {
  switch (op.type) {
    case 'top.Conv':
    case 'top.Deconv':
      return lowerConvolution(context, op);
    case 'top.MatMul':
      return lowerMatMul(context, op);
    case 'top.Add':
    case 'top.Sub':
      return lowerSum(context, op);
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
    case 'top.Relu':
      return lowerRelu(context, op);
    case 'top.LeakyRelu':
      return lowerLeakyRelu(context, op);
    case 'top.PRelu':
      return lowerPRelu(context, op);
    case 'top.Scale':
      return lowerScale(context, op);
    case 'top.Concat':
      return lowerConcat(context, op);
    case 'top.Pad':
      return lowerPad(context, op);
    case 'top.AvgPool':
      return lowerAvgPool(context, op);
    case 'top.MaxPool':
      return lowerMaxPool(context, op);
    case 'top.Where':
      return lowerWhere(context, op);
    default:
      if (TABLES.has(op.type)) return lowerToTable(context, op);
      return MOVES.has(op.type) && lowerMove(context, op);
  }
}

/** Lowers one operator in the precision that it was assigned: INT8 where it has that form, else F32. */
export function lowerOp(context: LoweringContext, op: KnownOp): void {
  if (!isDefined(op.type)) refuseOp(op, `${op.type}, which bm1684 has no definition for`, 'another operator');
  if (context.precisionOf(op) === 'INT8' && lowerToInteger(context, op)) return;
  lowerToFloat(context, op);
}
