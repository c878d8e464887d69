import { enumeration } from '../attribute-schema.ts';
import type { TensorType } from '../tensor-type.ts';
import type { OperatorRow, ShapeContext } from './row.ts';

/**
 * The shape rule of a `tpu.*` operator whose `top.*` counterpart has the same attribute names (in TypeScript) wherever
 * its rule looks. Only shapes are taken over: element types of a lowered graph come from the lowering.
 */
export function shapedAs(top: Pick<OperatorRow, 'inferShapes'>) {
  return (context: ShapeContext<object>): { readonly outputs: readonly (TensorType | null)[] } => ({
    outputs: top.inferShapes(context as never).outputs,
  });
}

/** `#tpu<round_mode …>` under any attribute name. */
export function roundModeAttribute(mlir: string, fallback: string) {
  return enumeration(mlir, 'round_mode', fallback);
}

/** `quant_mode`: how multiplier and shift make a factor. */
export const quantMode = enumeration('quant_mode', 'rq_mode', 'MultiplierShift');
