import type { KnownOp, OpOf } from '../../graph.ts';
import type { Emitters, OnnxWriter } from './onnx-writer.ts';

/** Folds the operands from the left with a binary operator; the last result is `output`. */
function chain(to: OnnxWriter, opType: string, operands: readonly string[], output: string): void {
  if (operands.length === 1) to.node('Identity', operands, {}, output);
  operands.slice(1).reduce((left, right, i) => {
    const isLast = i === operands.length - 2;
    return to.node(opType, [left, right], {}, isLast ? output : undefined);
  }, operands[0]!);
}

/** Operands, each multiplied by its coefficient where that is not 1. */
function scaledOperands(op: OpOf<'top.Add'> | OpOf<'top.Sub'>, to: OnnxWriter): string[] {
  return op.inputs.map((name, i) => {
    const coefficient = op.attributes.coeff?.[i] ?? 1;
    return coefficient === 1 ? to.tensor(name) : to.node('Mul', [to.tensor(name), to.scalar(coefficient)]);
  });
}

/** `x op c`, or `c op x` when reversed. */
function withConstant(
  to: OnnxWriter,
  op: KnownOp,
  opType: string,
  value: number,
  isReverse: boolean,
  output: string,
): void {
  const [x, c] = [to.tensor(op.inputs[0]), to.scalar(value)];
  to.node(opType, isReverse ? [c, x] : [x, c], {}, output);
}

/** Python's and C's remainder of any two floats: x − n · y with n = floor or trunc of x / y; fmod is exact. */
function remainder(op: KnownOp, to: OnnxWriter, isFloor: boolean): void {
  const [x, y] = op.inputs.map((name) => to.tensor(name)) as [string, string];
  if (!isFloor) {
    to.node('Mod', [x, y], { fmod: 1 }, to.output(op));
    return;
  }
  const whole = to.node('Floor', [to.node('Div', [x, y])]);
  to.node('Sub', [x, to.node('Mul', [whole, y])], {}, to.output(op));
}

const variadic = (opType: string) => (op: KnownOp, to: OnnxWriter) => {
  to.node(
    opType,
    op.inputs.map((name) => to.tensor(name)),
    {},
    to.output(op),
  );
};

export const arithmeticEmitters: Emitters = {
  'top.Add': (op, to) => to.withRelu(op, op.attributes, (output) => chain(to, 'Add', scaledOperands(op, to), output)),
  'top.Sub'(op, to) {
    const operands = scaledOperands(op, to);
    if (op.attributes.isReverse) operands.reverse();
    to.withRelu(op, op.attributes, (output) => chain(to, 'Sub', operands, output));
  },
  'top.Mul'(op, to) {
    const operands = op.inputs.map((name) => to.tensor(name));
    to.withRelu(op, op.attributes, (output) => chain(to, 'Mul', operands, output));
  },
  'top.Div'(op, to) {
    const operands = op.inputs.map((name) => to.tensor(name));
    if (op.attributes.isReverse) operands.reverse();
    to.withRelu(op, op.attributes, (output) => chain(to, 'Div', operands, output));
  },
  'top.Min': variadic('Min'),
  'top.Max': variadic('Max'),
  'top.Mod': (op, to) => remainder(op, to, false),
  'top.Remainder': (op, to) => remainder(op, to, true),
  'top.AddConst': (op, to) =>
    to.withRelu(op, op.attributes, (output) => withConstant(to, op, 'Add', op.attributes.constVal, false, output)),
  'top.SubConst': (op, to) =>
    to.withRelu(op, op.attributes, (output) =>
      withConstant(to, op, 'Sub', op.attributes.constVal, op.attributes.isReverse, output),
    ),
  'top.MulConst': (op, to) =>
    to.withRelu(op, op.attributes, (output) => withConstant(to, op, 'Mul', op.attributes.constVal, false, output)),
  'top.DivConst': (op, to) =>
    to.withRelu(op, op.attributes, (output) =>
      withConstant(to, op, 'Div', op.attributes.constVal, op.attributes.isReverse, output),
    ),
  'top.MaxConst': (op, to) => withConstant(to, op, 'Max', op.attributes.constVal, false, to.output(op)),
  'top.MinConst': (op, to) => withConstant(to, op, 'Min', op.attributes.constVal, false, to.output(op)),
  'top.Reciprocal': (op, to) =>
    to.withRelu(op, op.attributes, (output) => {
      if (op.attributes.constVal === 1) to.node('Reciprocal', [to.tensor(op.inputs[0])], {}, output);
      else withConstant(to, op, 'Div', op.attributes.constVal, true, output);
    }),
  'top.Pow': (op, to) => withConstant(to, op, 'Pow', op.attributes.exponent, false, to.output(op)),
  'top.Pow2': (op, to) => withConstant(to, op, 'Pow', op.attributes.constVal, true, to.output(op)),
  'top.Pow3': (op, to) =>
    chain(
      to,
      'Pow',
      op.inputs.map((name) => to.tensor(name)),
      to.output(op),
    ),
};
