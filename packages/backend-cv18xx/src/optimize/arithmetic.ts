import type { Rewrite } from './rewrite.ts';
import { addValue, addWeight, makeOp, replaceBy } from './rewrite.ts';

const count = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** x + c becomes an Add of a weight with one element. */
export const addConstToAdd: Rewrite = (state, op, index) => {
  if (op.type !== 'top.AddConst') return false;
  const { constVal, doRelu, reluLimit } = op.attributes;
  const weight = addWeight(state, `${op.name}_${op.name}_const_val`, [1], Float32Array.of(constVal));
  return replaceBy(state, index, [makeOp('top.Add', op.name, [op.inputs[0]!, weight], { doRelu, reluLimit })]);
};

/** a − b becomes a sum where both have as many elements, and where `a` is the smaller one; else it stays. */
export const subToAdd: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Sub' || op.attributes.isReverse || op.inputs.length !== 2) return false;
  const [left, right] = op.inputs as readonly [string, string];
  const shapeOf = (name: string) => (state.graph.values.get(name) ?? state.graph.weights.get(name)!.type).shape;
  const [before, after] = [count(shapeOf(left)), count(shapeOf(right))];
  const { doRelu, reluLimit } = op.attributes;
  if (before === after) {
    return replaceBy(state, index, [makeOp('top.Add', op.name, op.inputs, { doRelu, reluLimit, coeff: [1, -1] })]);
  }
  if (before > after || state.graph.isWeight(right)) return false;
  const negated = `${op.name}_mulconst`;
  addValue(state, negated, state.graph.values.get(right)!, state.ranges.get(right));
  return replaceBy(state, index, [
    makeOp('top.MulConst', negated, [right], { constVal: -1 }),
    makeOp('top.Add', op.name, [left, negated], { doRelu, reluLimit }),
  ]);
};

/** a / b becomes a · (1/b); the reciprocal has no threshold and runs in BF16. */
export const divToMul: Rewrite = (state, op, index) => {
  if (op.type !== 'top.Div' || op.attributes.isReverse || op.inputs.length !== 2) return false;
  const [left, right] = op.inputs as readonly [string, string];
  if (state.graph.isWeight(right)) return false;
  const { doRelu, reluLimit } = op.attributes;
  const reciprocal = `${right}_reciprocal`;
  const product = makeOp('top.Mul', op.name, [left, reciprocal], { doRelu, reluLimit });
  if (state.graph.values.has(reciprocal)) return replaceBy(state, index, [product]);
  addValue(state, reciprocal, state.graph.values.get(right)!, undefined);
  return replaceBy(state, index, [makeOp('top.Reciprocal', reciprocal, [right], { constVal: 1 }), product]);
};

export const sqrtToPow: Rewrite = (state, op, index) =>
  op.type === 'top.Sqrt' && replaceBy(state, index, [makeOp('top.Pow', op.name, op.inputs, { exponent: 0.5 })]);
