/** Bytes of raw values that all of a network's values may hold together. */
const BUDGET_BYTES = 64 * 2 ** 20;
/** Values kept of one tensor at most: more do not move the result (bm1684-tools.md 9.4). */
const MOST = 2 ** 20;

/** Every how manieth element of a sample is kept, so that all samples together stay within the budget. */
export function pickEvery(elements: number, sampleCount: number, valueCount: number): number {
  const allowed = Math.max(1, Math.min(MOST, BUDGET_BYTES / 4 / valueCount) / sampleCount);
  return Math.max(1, Math.ceil(elements / allowed));
}

/** Every `step`-th element, beginning in the middle of the first `step`: a function of the sample alone. */
export function pickRaw(data: Float32Array, step: number): Float32Array {
  const first = step >> 1 < data.length ? step >> 1 : 0;
  return Float32Array.from({ length: Math.ceil((data.length - first) / step) }, (_, k) => data[first + k * step]!);
}
