import type { PairSums } from './similarity.ts';

/**
 * `pairSums` of what 8-bit codes stand for, (code − zero point) · scale in f32, and floats; without making the reals, which
 * takes longer than the sums.
 *
 * @throws RangeError when the lengths differ.
 */
export function codeSums(
  codes: Int8Array | Uint8Array,
  { scale, zeroPoint }: { readonly scale: number; readonly zeroPoint: number },
  candidate: Float32Array,
): PairSums {
  if (codes.length !== candidate.length) {
    throw new RangeError(`tensors of ${codes.length} and ${candidate.length} elements cannot be compared`);
  }
  const factor = Math.fround(scale);
  const byte = codes instanceof Int8Array ? new Int8Array(1) : new Uint8Array(1);
  const reals = new Float64Array(256);
  for (let bits = 0; bits < 256; bits++) {
    byte[0] = bits;
    reals[bits] = Math.fround((byte[0]! - zeroPoint) * factor);
  }
  // One kind of array, whatever the sign: the loop is compiled for it.
  return sumsOf(new Uint8Array(codes.buffer, codes.byteOffset, codes.length), reals, candidate);
}

function sumsOf(bytes: Uint8Array, reals: Float64Array, candidate: Float32Array): PairSums {
  let dot = 0;
  let referenceSquared = 0;
  let candidateSquared = 0;
  let errorSquared = 0;
  let maxError = 0;
  for (let i = 0; i < bytes.length; i++) {
    const a = reals[bytes[i]!]!;
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
