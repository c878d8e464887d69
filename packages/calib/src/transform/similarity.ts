/**
 * What TPU-MLIR calls the cosine of two tensors: (1 + cosine) / 2, where 0/0 counts as cosine 0 (search.md 1.1).
 *
 * @throws RangeError when the lengths differ
 */
export function vendorCosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} elements cannot be compared`);
  let [dot, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    squaresA += a[i]! * a[i]!;
    squaresB += b[i]! * b[i]!;
  }
  const norms = Math.sqrt(squaresA) * Math.sqrt(squaresB);
  return 0.5 + 0.5 * (norms > 0 ? dot / norms : 0);
}
