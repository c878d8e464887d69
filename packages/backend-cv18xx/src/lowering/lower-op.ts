import type { KnownOp } from '@q/ir';
import { lowerLeakyRelu, lowerPRelu, lowerToTable } from './activation.ts';
import { lowerToBf16 } from './bf16.ts';
import type { Cv18xxContext } from './context.ts';
import { lowerConvolution } from './convolution.ts';
import { lowerExtremum, lowerExtremumConst, lowerMul, lowerSum } from './elementwise.ts';
import { hasIntegerForm } from './forms.ts';
import { lowerInterp } from './interp.ts';
import { lowerAvgPool, lowerConcat, lowerMove, lowerPad, lowerReduce, lowerRelu } from './layout.ts';
import { lowerMatMul } from './mat-mul.ts';

/** Emits the INT8 form of `op`; answers false when this instance of it runs in BF16. */
function lowerToInteger(context: Cv18xxContext, op: KnownOp): boolean {
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
    case 'top.Max':
    case 'top.Min':
      return lowerExtremum(context, op);
    case 'top.MaxConst':
    case 'top.MinConst':
      return lowerExtremumConst(context, op);
    case 'top.LeakyRelu':
      return lowerLeakyRelu(context, op);
    case 'top.PRelu':
      return lowerPRelu(context, op);
    case 'top.Concat':
      return lowerConcat(context, op);
    case 'top.Pad':
      return lowerPad(context, op);
    case 'top.AvgPool':
      return lowerAvgPool(context, op);
    case 'top.Reduce':
      return lowerReduce(context, op);
    case 'top.Relu':
      return lowerRelu(context, op);
    case 'top.MaxPool':
    case 'top.Abs':
    case 'top.Permute':
    case 'top.Reshape':
    case 'top.Slice':
    case 'top.Tile':
    case 'top.Upsample':
    case 'top.Depth2Space':
    case 'top.ShuffleChannel':
    case 'top.SwapChannel':
      return lowerMove(context, op);
    default:
      return hasIntegerForm(op.type) && lowerToTable(context, op);
  }
}

/** Lowers one operator in the precision that it was assigned; what has no INT8 form runs in BF16, or is refused by name. */
export function lowerOp(context: Cv18xxContext, op: KnownOp): void {
  if (op.type === 'top.Input') context.emit(op, context.floatType(op.name, 'f32'));
  else if (op.type === 'top.Interp') lowerInterp(context, op);
  else if (context.precisionOf(op) !== 'INT8' || !lowerToInteger(context, op)) lowerToBf16(context, op);
}
