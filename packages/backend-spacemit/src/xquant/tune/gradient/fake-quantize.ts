import { roundHalfEven } from '../../../parameters.ts';
import { gradientOf, type Node, type Tape } from './tape.ts';

const [QMIN, QMAX] = [-128, 127];

/** Scales of a tensor's codes: one, or one per index of dimension 0. */
export interface Steps {
  /** Learned; negative values stand for their magnitude. */
  readonly scales: Node;
  readonly zeroPoints: readonly number[];
}

/**
 * (clamp(round(x / s) + z) − z) · s with the straight-through gradient: 1 to x inside the range, 0 outside. The gradient to s
 * (spacemit.md 8.7) is round(x / s) − x / s inside and the clipped code outside, times 1 / √(elements · 127).
 */
export function fakeQuantize(tape: Tape, x: Node, { scales, zeroPoints }: Steps, isLearned: boolean): Node {
  const result = tape.node(x.shape);
  const inner = x.data.length / scales.data.length;
  for (let i = 0; i < x.data.length; i++) {
    const c = Math.floor(i / inner);
    const [scale, zero] = [Math.abs(scales.data[c]!), zeroPoints[c] ?? zeroPoints[0]!];
    const code = Math.min(QMAX, Math.max(QMIN, roundHalfEven(Math.fround(x.data[i]! / scale)) + zero));
    result.data[i] = (code - zero) * scale;
  }
  const factor = 1 / Math.sqrt(x.data.length * QMAX);
  return tape.record(result, (gradient) => {
    const [toX, toScales] = [gradientOf(x), isLearned ? gradientOf(scales) : undefined];
    for (let i = 0; i < gradient.length; i++) {
      const c = Math.floor(i / inner);
      const [scale, zero] = [Math.abs(scales.data[c]!), zeroPoints[c] ?? zeroPoints[0]!];
      const steps = x.data[i]! / scale;
      const code = roundHalfEven(Math.fround(steps)) + zero;
      const isInside = code >= QMIN && code <= QMAX;
      if (isInside) toX[i]! += gradient[i]!;
      if (toScales === undefined) continue;
      const slope = isInside ? code - zero - steps : Math.min(QMAX, Math.max(QMIN, code)) - zero;
      toScales[c]! += gradient[i]! * slope * factor * Math.sign(scales.data[c]!);
    }
  });
}
