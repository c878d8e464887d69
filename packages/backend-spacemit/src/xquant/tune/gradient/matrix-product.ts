import { gradientOf, type Node, sizeOf, type Tape } from './tape.ts';

/**
 * A · B [+ bias] over the last two dimensions; B has the batch of A, or none. `isTurned`: B is [N, K].
 */
export function matrixProduct(
  tape: Tape,
  {
    a,
    b,
    bias,
    isTurned,
    shape,
  }: { a: Node; b: Node; bias: Node | undefined; isTurned: boolean; shape: readonly number[] },
): Node {
  const y = tape.node(shape);
  const [M, K] =
    b.shape.length === 2 ? [a.data.length / a.shape.at(-1)!, a.shape.at(-1)!] : (a.shape.slice(-2) as [number, number]);
  const N = shape.at(-1)!;
  const batch = b.shape.length === 2 ? 1 : sizeOf(a.shape.slice(0, -2));
  const [row, column] = isTurned ? [1, K] : [N, 1];
  for (let n = 0; n < batch; n++) {
    for (let m = 0; m < M; m++) {
      for (let j = 0; j < N; j++) {
        let sum = bias === undefined ? 0 : bias.data[j]!;
        for (let k = 0; k < K; k++) sum += a.data[(n * M + m) * K + k]! * b.data[n * K * N + k * row + j * column]!;
        y.data[(n * M + m) * N + j] = sum;
      }
    }
  }
  return tape.record(y, (gradient) => {
    const [toA, toB] = [gradientOf(a), gradientOf(b)];
    for (let n = 0; n < batch; n++) {
      for (let m = 0; m < M; m++) {
        for (let j = 0; j < N; j++) {
          const g = gradient[(n * M + m) * N + j]!;
          if (g === 0) continue;
          for (let k = 0; k < K; k++) {
            const [at, bt] = [(n * M + m) * K + k, n * K * N + k * row + j * column];
            toA[at]! += g * b.data[bt]!;
            toB[bt]! += g * a.data[at]!;
          }
        }
      }
    }
  });
}
