import { gradientOf, type Node, type Tape } from './tape.ts';

/** y = f(x) element by element; `slope` is the derivative from x and y. */
export function unary(tape: Tape, x: Node, f: (x: number) => number, slope: (x: number, y: number) => number): Node {
  const y = tape.node(x.shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(x.data[i]!);
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let i = 0; i < gradient.length; i++) toX[i]! += gradient[i]! * slope(x.data[i]!, y.data[i]!);
  });
}

/** For every element of `shape`, the element of an operand that broadcasts to it. */
function broadcast(from: readonly number[], shape: readonly number[]): Uint32Array {
  const at = new Uint32Array(shape.reduce((product, dim) => product * dim, 1));
  const steps = shape.map((_, axis) => {
    const own = axis - shape.length + from.length;
    return own < 0 || from[own] === 1 ? 0 : from.slice(own + 1).reduce((product, dim) => product * dim, 1);
  });
  for (let i = 0; i < at.length; i++) {
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[i]! += (rest % shape[axis]!) * steps[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
  }
  return at;
}

export type Binary = 'add' | 'sub' | 'mul';

/** a ∘ b with NumPy's broadcasting to `shape`. */
export function binary(tape: Tape, kind: Binary, [a, b]: readonly [Node, Node], shape: readonly number[]): Node {
  const y = tape.node(shape);
  const [fromA, fromB] = [broadcast(a.shape, shape), broadcast(b.shape, shape)];
  for (let i = 0; i < y.data.length; i++) {
    const [u, v] = [a.data[fromA[i]!]!, b.data[fromB[i]!]!];
    y.data[i] = kind === 'add' ? u + v : kind === 'sub' ? u - v : u * v;
  }
  return tape.record(y, (gradient) => {
    const [toA, toB] = [gradientOf(a), gradientOf(b)];
    for (let i = 0; i < gradient.length; i++) {
      const [at, bt, g] = [fromA[i]!, fromB[i]!, gradient[i]!];
      toA[at]! += kind === 'mul' ? g * b.data[bt]! : g;
      toB[bt]! += kind === 'mul' ? g * a.data[at]! : kind === 'sub' ? -g : g;
    }
  });
}
