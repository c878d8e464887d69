import type { KnownOp } from '../../graph.ts';
import { cannotExport, type Emitters, type OnnxWriter } from './onnx-writer.ts';

const COMPARISONS = ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'];
const LOGIC = ['And', 'Or', 'Xor'];

/** Truth values are floats 0 and 1 in Top, bools in ONNX. */
function compare(op: KnownOp, to: OnnxWriter, mode: string, left: string, right: string): void {
  const output = to.output(op);
  if (COMPARISONS.includes(mode)) to.fromBool(to.node(mode, [left, right]), output);
  else if (mode === 'NotEqual') to.fromBool(to.node('Not', [to.node('Equal', [left, right])]), output);
  else if (LOGIC.includes(mode)) to.fromBool(to.node(mode, [to.toBool(left), to.toBool(right)]), output);
  else cannotExport(op, `the mode ${mode}`, [...COMPARISONS, 'NotEqual', ...LOGIC].join(', '));
}

export const comparisonEmitters: Emitters = {
  'top.Compare': (op, to) => compare(op, to, op.attributes.mode, to.tensor(op.inputs[0]), to.tensor(op.inputs[1])),
  'top.CompareConst'(op, to) {
    const { mode, constVal, inversed } = op.attributes;
    const x = to.tensor(op.inputs[0]);
    if (mode === 'Not') to.fromBool(to.node('Not', [to.toBool(x)]), to.output(op));
    else if (inversed) compare(op, to, mode, to.scalar(constVal), x);
    else compare(op, to, mode, x, to.scalar(constVal));
  },
  'top.Where'(op, to) {
    const { xIsConst, yIsConst, xConstVal, yConstVal } = op.attributes;
    const x = xIsConst ? to.scalar(xConstVal) : to.tensor(op.inputs[1]);
    const y = yIsConst ? to.scalar(yConstVal) : to.tensor(op.inputs[2]);
    to.node('Where', [to.toBool(to.tensor(op.inputs[0])), x, y], {}, to.output(op));
  },
  'top.MaskedFill'(op, to) {
    const { inversed, constVal } = op.attributes;
    const branches = [to.scalar(constVal), to.tensor(op.inputs[1])];
    if (inversed) branches.reverse();
    to.node('Where', [to.toBool(to.tensor(op.inputs[0])), ...branches], {}, to.output(op));
  },
};
