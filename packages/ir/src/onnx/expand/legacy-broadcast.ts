import { intAttribute } from '../onnx-graph.ts';
import type { Expander } from './expansion.ts';

/** Operators that had `broadcast` and `axis` before opset 7. */
export const LEGACY_BROADCASTS: readonly string[] = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow'],
  ...['And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'],
];

/** Before opset 7 `axis` said which dimension of the first operand the second begins at: ones are appended to it. */
export function withLegacyBroadcast(expand: Expander | undefined): Expander {
  return (node, to) => {
    const axis = to.opset < 7 ? intAttribute(node, 'axis') : undefined;
    if (axis === undefined) {
      expand?.(node, to);
      return;
    }
    const [rank, second] = [to.shape(to.input(0)).length, to.shape(to.input(1))];
    const front = axis < 0 ? axis + rank : axis;
    const ones = new Array<number>(Math.max(0, rank - front - second.length)).fill(1);
    to.finish(node.opType, [to.input(0), to.reshape(to.input(1), [...second, ...ones])]);
  };
}
