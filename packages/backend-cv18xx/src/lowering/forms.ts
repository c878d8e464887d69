import { PLAIN_BF16 } from './bf16.ts';
import { FUNCTIONS } from './functions.ts';

const top = (...names: readonly string[]): readonly string[] => names.map((name) => `top.${name}`);

/** Rewritten before anything is lowered, to operators that have both forms or only BF16 (numerics.md 1.2). */
const REWRITTEN = top('AddConst', 'Div', 'Sqrt', 'Squeeze', 'Unsqueeze', 'Scale', 'Gather');

const INTEGER: ReadonlySet<string> = new Set([
  ...top('Conv', 'Deconv', 'MatMul', 'Add', 'Sub', 'Mul', 'MulConst', 'SubConst', 'Max', 'Min', 'MaxConst', 'MinConst'),
  ...top('Concat', 'Pad', 'AvgPool', 'MaxPool', 'Reduce', 'Relu', 'LeakyRelu', 'PRelu', 'Abs', 'Floor', 'HardSwish'),
  ...top('HardSigmoid', 'Permute', 'Reshape', 'Slice', 'Tile', 'Depth2Space', 'ShuffleChannel', 'SwapChannel'),
  ...top('Upsample', 'Sqrt', 'Squeeze', 'Unsqueeze', 'Scale', 'Gather'),
  ...FUNCTIONS,
]);

const FLOAT: ReadonlySet<string> = new Set([
  ...PLAIN_BF16,
  ...top('Conv', 'Deconv', 'MatMul', 'Softmax', 'LayerNorm', 'Reduce', 'Relu', 'HardSwish', 'HardSigmoid'),
  ...top('Concat', 'MaxConst', 'MinConst', 'MulConst', 'SubConst', 'Interp'),
  ...FUNCTIONS,
  ...REWRITTEN,
]);

/** Does an operator of this type run in INT8 where its operands allow it? */
export function hasIntegerForm(type: string): boolean {
  return INTEGER.has(type);
}

/** Does an operator of this type have a BF16 form? */
export function hasFloatForm(type: string): boolean {
  return FLOAT.has(type);
}
