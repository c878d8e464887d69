import { gradientOf, type Node, type Tape } from './tape.ts';

/** Moves elements: result i is element `from[i]` of x; −1 is a zero. */
export function moved(tape: Tape, x: Node, shape: readonly number[], from: Int32Array): Node {
  const y = tape.node(shape);
  for (let i = 0; i < from.length; i++) y.data[i] = from[i]! < 0 ? 0 : x.data[from[i]!]!;
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let i = 0; i < gradient.length; i++) if (from[i]! >= 0) toX[from[i]!]! += gradient[i]!;
  });
}

export function reshaped(tape: Tape, x: Node, shape: readonly number[]): Node {
  const y = tape.node(shape, x.data.slice());
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let i = 0; i < gradient.length; i++) toX[i]! += gradient[i]!;
  });
}

export function permuted(tape: Tape, x: Node, order: readonly number[]): Node {
  const shape = order.map((axis) => x.shape[axis]!);
  const steps = order.map((axis) => x.shape.slice(axis + 1).reduce((product, dim) => product * dim, 1));
  const from = new Int32Array(x.data.length);
  for (let i = 0; i < from.length; i++) {
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from[i]! += (rest % shape[axis]!) * steps[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
  }
  return moved(tape, x, shape, from);
}

export function concatenated(tape: Tape, parts: readonly Node[], axis: number, shape: readonly number[]): Node {
  const y = tape.node(shape);
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const whole = shape[axis]! * inner;
  const copy = (visit: (part: Node, p: number, at: number) => void) => {
    let offset = 0;
    for (const part of parts) {
      const size = part.shape[axis]! * inner;
      for (let o = 0; o < outer; o++) for (let k = 0; k < size; k++) visit(part, o * size + k, o * whole + offset + k);
      offset += size;
    }
  };
  copy((part, p, at) => {
    y.data[at] = part.data[p]!;
  });
  return tape.record(y, (gradient) => {
    copy((part, p, at) => {
      gradientOf(part)[p]! += gradient[at]!;
    });
  });
}
