import { elementCount } from '../../dtype.ts';
import type { OpOf } from '../../graph.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

type PerChannel = readonly [scale: Float32Array, bias: Float32Array];

/** A Scale in the place of `op`, with new weights. */
function makeScale(
  op: { readonly name: string },
  input: string,
  [scale, bias]: PerChannel,
  relu: object,
  rw: Rewriter,
) {
  const weights = [
    rw.addWeight(op.name, 'scale', [1, scale.length, 1, 1], scale),
    rw.addWeight(op.name, 'bias', [1, bias.length, 1, 1], bias),
  ];
  return rw.make('top.Scale', { name: op.name, inputs: [input, ...weights], attributes: relu });
}

const reluOf = ({ doRelu, reluLimit }: { doRelu: boolean; reluLimit: number }) => ({ doRelu, reluLimit });

/** BatchNorm → Scale with γ, β, mean and variance folded. */
const batchNormToScale = rule('top.BatchNorm', (op, rw) => {
  const [mean, variance, gamma, beta] = op.inputs.slice(1).map((input) => rw.weightData(input));
  if (mean === undefined || variance === undefined) return false;
  const scale = variance.map((value, channel) => {
    const inverse = Math.fround(1 / Math.fround(Math.sqrt(Math.fround(value + op.attributes.epsilon))));
    return inverse * (gamma?.[channel] ?? 1);
  });
  const bias = mean.map((value, channel) => Math.fround(-value * scale[channel]!) + (beta?.[channel] ?? 0));
  rw.replace(op, makeScale(op, op.inputs[0]!, [scale, bias], reluOf(op.attributes), rw));
  return true;
});

function scaleData(op: OpOf<'top.Scale'>, rw: Rewriter): PerChannel | undefined {
  const [scale, bias] = [rw.weightData(op.inputs[1]), rw.weightData(op.inputs[2])];
  return scale === undefined || bias === undefined ? undefined : [scale, bias];
}

/** Scale → Scale, MulConst → Scale, AddConst → Scale: one Scale, named after the last. */
const mergeIntoScale = rule('top.Scale', (op, rw) => {
  const own = scaleData(op, rw);
  const before = rw.anyProducer(op.inputs[0]);
  if (own === undefined || before === undefined || !rw.hasOneUse(op.inputs[0]!)) return false;
  const [scale, bias] = own;
  let merged: PerChannel | undefined;
  if (before.type === 'top.Scale' && !before.attributes.doRelu) {
    const inner = scaleData(before, rw);
    merged = inner && [
      scale.map((value, channel) => value * inner[0][channel]!),
      bias.map((value, channel) => Math.fround(inner[1][channel]! * scale[channel]!) + value),
    ];
  } else if (before.type === 'top.MulConst' && !before.attributes.doRelu) {
    merged = [scale.map((value) => value * before.attributes.constVal), bias];
  } else if (before.type === 'top.AddConst' && !before.attributes.doRelu) {
    merged = [scale, bias.map((value, channel) => Math.fround(before.attributes.constVal * scale[channel]!) + value)];
  }
  if (merged === undefined) return false;
  rw.replace(op, makeScale(op, before.inputs[0]!, merged, reluOf(op.attributes), rw));
  rw.replace(before);
  return true;
});

/** MatMul (2-D) → Scale: the product takes it into weight and bias, under the Scale's name. */
const scaleIntoMatMul = rule('top.Scale', (op, rw) => {
  const product = rw.producer(op.inputs[0], 'top.MatMul');
  const own = scaleData(op, rw);
  const right = rw.weightData(product?.inputs[1]);
  if (product === undefined || own === undefined || right === undefined || !rw.hasOneUse(product.name)) return false;
  const shape = rw.shape(product.inputs[1]!);
  const { doRelu, rightTranspose, outputTranspose } = product.attributes;
  if (doRelu || rightTranspose || outputTranspose || shape.length !== 2 || rw.shape(op.name).length !== 2) return false;
  const [scale, bias] = own;
  const columns = shape[1]!;
  const old = rw.weightData(product.inputs[2]) ?? new Float32Array(columns);
  const filter = rw.addWeight(
    op.name,
    'filter',
    shape,
    right.map((value, index) => value * scale[index % columns]!),
  );
  const fused = old.map((value, column) => Math.fround(value * scale[column]!) + bias[column]!);
  const inputs = [product.inputs[0]!, filter, rw.addWeight(op.name, 'bias', [columns], fused)];
  rw.replace(op);
  rw.replace(
    product,
    rw.change(product, { name: op.name, inputs, attributes: { ...product.attributes, ...reluOf(op.attributes) } }),
  );
  return true;
});

/** Splits the operands of a binary op into the value and the weight; undefined when there is not one of each. */
function valueAndWeight(
  op: OpOf<'top.Add'> | OpOf<'top.Mul'>,
  rw: Rewriter,
): { x: string; weight: string; data: Float32Array } | undefined {
  if (op.inputs.length !== 2) return undefined;
  for (const [x, weight] of [op.inputs, op.inputs.toReversed()] as [string, string][]) {
    const data = rw.weightData(weight);
    if (data !== undefined && rw.weight(x) === undefined) return { x, weight, data };
  }
  return undefined;
}

/** A weight that has one element per channel of a 4-D value, in the channel dimension. */
function isPerChannel(shape: readonly number[], weightShape: readonly number[]): boolean {
  const channelAxis = weightShape.length - 3;
  return (
    shape.length === 4 &&
    shape[1]! > 1 &&
    weightShape[channelAxis] === shape[1] &&
    elementCount(weightShape) === shape[1]
  );
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** Add and Mul with a constant: AddConst / MulConst, a Scale, or nothing at all when the constant is neutral. */
const addConstant = rule('top.Add', (op, rw) => {
  const parts = valueAndWeight(op, rw);
  if (parts === undefined || op.attributes.coeff !== undefined) return false;
  const { x, weight, data } = parts;
  if (!sameShape(rw.shape(x), rw.shape(op.name))) return false;
  if (data.length === 1) {
    if (data[0] === 0 && !op.attributes.doRelu) rw.bypass(op, x);
    else
      rw.replace(
        op,
        rw.make('top.AddConst', {
          name: op.name,
          inputs: [x],
          attributes: { constVal: data[0]!, ...reluOf(op.attributes) },
        }),
      );
    return true;
  }
  if (!isPerChannel(rw.shape(x), rw.shape(weight))) return false;
  rw.replace(op, makeScale(op, x, [new Float32Array(data.length).fill(1), data], reluOf(op.attributes), rw));
  return true;
});

const mulConstant = rule('top.Mul', (op, rw) => {
  const parts = valueAndWeight(op, rw);
  if (parts === undefined) return false;
  const { x, weight, data } = parts;
  if (!sameShape(rw.shape(x), rw.shape(op.name))) return false;
  if (data.length === 1) {
    if (Math.abs(data[0]! - 1) <= 2e-5 && !op.attributes.doRelu) rw.bypass(op, x);
    else
      rw.replace(
        op,
        rw.make('top.MulConst', {
          name: op.name,
          inputs: [x],
          attributes: { constVal: data[0]!, ...reluOf(op.attributes) },
        }),
      );
    return true;
  }
  if (!isPerChannel(rw.shape(x), rw.shape(weight))) return false;
  rw.replace(op, makeScale(op, x, [data, new Float32Array(data.length)], reluOf(op.attributes), rw));
  return true;
});

/** MulConst → MulConst: one, named after the last. */
const mergeMulConst = rule('top.MulConst', (op, rw) => {
  const before = rw.producer(op.inputs[0], 'top.MulConst');
  if (before === undefined || before.attributes.doRelu || !rw.hasOneUse(before.name)) return false;
  const constVal = before.attributes.constVal * op.attributes.constVal;
  rw.replace(op, rw.change(op, { inputs: before.inputs, attributes: { ...op.attributes, constVal } }));
  rw.replace(before);
  return true;
});

/** Masks written as ±1e10 and more are clamped. */
const clampMulConst = rule('top.MulConst', (op, rw) => {
  const { constVal } = op.attributes;
  if (Math.abs(constVal) < 1e10) return false;
  rw.replace(op, rw.change(op, { attributes: { ...op.attributes, constVal: constVal > 0 ? 1e4 : -1e4 } }));
  return true;
});

type Linear = OpOf<'top.Conv'> | OpOf<'top.MatMul'>;

/** Conv or MatMul with constant weights, reached through Reshapes that nothing else reads. */
function linearBehind(value: string, rw: Rewriter): { linear: Linear; reshapes: OpOf<'top.Reshape'>[] } | undefined {
  const reshapes: OpOf<'top.Reshape'>[] = [];
  let at = value;
  for (;;) {
    const op = rw.anyProducer(at);
    if (op === undefined || !rw.hasOneUse(at)) return undefined;
    if (op.type === 'top.Conv' || op.type === 'top.MatMul') return { linear: op, reshapes };
    if (op.type !== 'top.Reshape') return undefined;
    reshapes.push(op);
    at = op.inputs[0]!;
  }
}

/** Conv/MatMul → (Reshapes) → MulConst: the factor goes into weights and bias (ir.md 7.3, affine fusion). */
const mulConstIntoWeights = rule('top.MulConst', (op, rw) => {
  const found = linearBehind(op.inputs[0]!, rw);
  const filter = rw.weightData(found?.linear.inputs[1]);
  if (found === undefined || filter === undefined || found.linear.attributes.doRelu) return false;
  const { linear, reshapes } = found;
  if (reshapes.length > 0 && op.attributes.doRelu) return false;
  const bias = rw.weightData(linear.inputs[2]);
  if (linear.inputs[2] != null && bias === undefined) return false;
  const factor = Math.fround(op.attributes.constVal);
  const name = reshapes.length === 0 ? op.name : `${op.name}_r_MulOrConv`;
  const scaled = (data: Float32Array) => data.map((value) => value * factor);
  const inputs = [
    linear.inputs[0]!,
    rw.addWeight(name, 'filter', rw.shape(linear.inputs[1]!), scaled(filter)),
    bias === undefined ? null : rw.addWeight(name, 'bias', rw.shape(linear.inputs[2]!), scaled(bias)),
  ];
  const relu = reshapes.length === 0 ? reluOf(op.attributes) : {};
  rw.replace(op);
  // The Reshape next to the MulConst takes its name; the one after the product reads its new name.
  reshapes.forEach((reshape, index) => {
    const source = index === reshapes.length - 1 ? name : reshape.inputs[0]!;
    rw.replace(reshape, rw.change(reshape, { ...(index === 0 ? { name: op.name } : {}), inputs: [source, null] }));
  });
  rw.replace(
    linear,
    rw.change(linear as OpOf<'top.Conv'>, {
      name,
      inputs,
      attributes: { ...linear.attributes, ...relu } as OpOf<'top.Conv'>['attributes'],
    }),
  );
  return true;
});

/** MatMul → Add(one constant per column) → MatMul with bias, under the Add's name. */
const addIntoMatMul = rule('top.Add', (op, rw) => {
  const parts = valueAndWeight(op, rw);
  const product = rw.producer(parts?.x, 'top.MatMul');
  if (parts === undefined || product === undefined || product.inputs[2] != null || !rw.hasOneUse(product.name))
    return false;
  const { doRelu, outputTranspose } = product.attributes;
  const columns = rw.shape(product.name).at(-1)!;
  const batch = elementCount(rw.shape(product.inputs[1]!).slice(0, -2));
  const perColumn = parts.data.length === columns && rw.shape(parts.weight).at(-1) === columns;
  if (doRelu || outputTranspose || batch > 1 || !perColumn || !sameShape(rw.shape(product.name), rw.shape(op.name)))
    return false;
  const bias = rw.addWeight(op.name, 'bias', [columns], parts.data);
  const inputs = [product.inputs[0]!, product.inputs[1]!, bias];
  rw.replace(op);
  rw.replace(
    product,
    rw.change(product, { name: op.name, inputs, attributes: { ...product.attributes, ...reluOf(op.attributes) } }),
  );
  return true;
});

/** Div(x, weight) → Mul by the reciprocal. */
const divByWeight = rule('top.Div', (op, rw) => {
  const [x, divisor] = op.inputs as [string, string];
  const data = rw.weightData(divisor);
  if (op.inputs.length !== 2 || data === undefined || op.attributes.isReverse || rw.weight(x) !== undefined)
    return false;
  const reciprocal = rw.addWeight(
    op.name,
    'reciprocal',
    rw.shape(divisor),
    data.map((value) => 1 / value),
  );
  rw.replace(op, rw.make('top.Mul', { name: op.name, inputs: [x, reciprocal], attributes: reluOf(op.attributes) }));
  return true;
});

export const affineRules: readonly Rule[] = [
  batchNormToScale,
  addIntoMatMul,
  addConstant,
  mulConstant,
  mergeIntoScale,
  scaleIntoMatMul,
  mergeMulConst,
  clampMulConst,
  mulConstIntoWeights,
  divByWeight,
];
