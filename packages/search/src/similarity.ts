/** Sums over one pair of tensors from which every similarity below follows; all in f64, in index order. */
export interface PairSums {
  /** Σ a·b */
  readonly dot: number;
  /** Σ a² of the reference */
  readonly referenceSquared: number;
  /** Σ b² of the candidate */
  readonly candidateSquared: number;
  /** Σ (a − b)² */
  readonly errorSquared: number;
  /** max |a − b| */
  readonly maxError: number;
}

/** @throws RangeError when the lengths differ (the caller pairs tensors; a mismatch is its mistake). */
export function pairSums(reference: ArrayLike<number>, candidate: ArrayLike<number>): PairSums {
  if (reference.length !== candidate.length) {
    throw new RangeError(`tensors of ${reference.length} and ${candidate.length} elements cannot be compared`);
  }
  let dot = 0;
  let referenceSquared = 0;
  let candidateSquared = 0;
  let errorSquared = 0;
  let maxError = 0;
  for (let i = 0; i < reference.length; i++) {
    const a = reference[i]!;
    const b = candidate[i]!;
    const error = a - b;
    dot += a * b;
    referenceSquared += a * a;
    candidateSquared += b * b;
    errorSquared += error * error;
    maxError = Math.max(maxError, Math.abs(error));
  }
  return { dot, referenceSquared, candidateSquared, errorSquared, maxError };
}

/** Plain cosine a·b / (‖a‖‖b‖) in [−1, 1]; 1 for two zero vectors, 0 when only one is zero. */
export function cosine(sums: PairSums): number {
  const norms = Math.sqrt(sums.referenceSquared) * Math.sqrt(sums.candidateSquared);
  if (norms > 0) return sums.dot / norms;
  return sums.referenceSquared === sums.candidateSquared ? 1 : 0;
}

/** Signal to quantization noise, 10·log10(Σa² / Σ(a−b)²) in dB, higher is better; Infinity when equal. */
export function sqnrDb(sums: PairSums): number {
  if (sums.errorSquared === 0) return Number.POSITIVE_INFINITY;
  return 10 * Math.log10(sums.referenceSquared / sums.errorSquared);
}

/** What TPU-MLIR prints as "cos": (1 + cosine) / 2, where 0/0 counts as cosine 0 (search.md 1.1). */
export function vendorSimilarity(sums: PairSums): number {
  const norms = Math.sqrt(sums.referenceSquared) * Math.sqrt(sums.candidateSquared);
  return 0.5 + 0.5 * (norms > 0 ? sums.dot / norms : 0);
}
