import type { OpOf } from '../../graph.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

/** Min and Max of a value and a one-element weight. */
function extremumConst(type: 'top.MinConst' | 'top.MaxConst') {
  return (op: OpOf<'top.Min'> | OpOf<'top.Max'>, rw: Rewriter): boolean => {
    for (const [x, constant] of [op.inputs, op.inputs.toReversed()] as [string, string][]) {
      const data = rw.weightData(constant);
      if (op.inputs.length !== 2 || data?.length !== 1 || rw.weight(x) !== undefined) continue;
      rw.replace(
        rw.anyProducer(op.name)!,
        rw.make(type, { name: op.name, inputs: [x], attributes: { constVal: data[0]! } }),
      );
      return true;
    }
    return false;
  };
}

/** Not(Equal(x, c)) → NotEqual, named after the Not. */
const notEqual = rule('top.CompareConst', (op, rw) => {
  if (op.attributes.mode !== 'Not') return false;
  const equal = rw.anyProducer(op.inputs[0]);
  if (equal?.type !== 'top.CompareConst' && equal?.type !== 'top.Compare') return false;
  if (equal.attributes.mode !== 'Equal' || !rw.hasOneUse(equal.name)) return false;
  const renamed = rw.change(equal as OpOf<'top.CompareConst'>, {
    name: op.name,
    attributes: { ...equal.attributes, mode: 'NotEqual' } as OpOf<'top.CompareConst'>['attributes'],
  });
  rw.replace(op);
  rw.replace(equal, renamed);
  return true;
});

/** Where(x > c, x, c) and its relatives → MaxConst / MinConst, named after the Where. */
const clampByWhere = rule('top.Where', (op, rw) => {
  const { xIsConst, yIsConst, xConstVal, yConstVal } = op.attributes;
  const test = rw.producer(op.inputs[0], 'top.CompareConst');
  if (test === undefined || xIsConst === yIsConst || !rw.hasOneUse(test.name)) return false;
  const [value, constant] = xIsConst ? [op.inputs[2], xConstVal] : [op.inputs[1], yConstVal];
  const { mode, constVal, inversed } = test.attributes;
  if (value !== test.inputs[0] || constVal !== constant) return false;
  const greater = mode === 'Greater' || mode === 'GreaterOrEqual';
  if (!greater && mode !== 'Less' && mode !== 'LessOrEqual') return false;
  // The value is kept where the test holds (or fails, when the constant is the first branch).
  const keepsLarge = (greater !== inversed) !== xIsConst;
  const type = keepsLarge ? 'top.MaxConst' : 'top.MinConst';
  rw.replace(op, rw.make(type, { name: op.name, inputs: [value!], attributes: { constVal } }));
  return true;
});

export const comparisonRules: readonly Rule[] = [
  rule('top.Min', extremumConst('top.MinConst')),
  rule('top.Max', extremumConst('top.MaxConst')),
  notEqual,
  clampByWhere,
];
