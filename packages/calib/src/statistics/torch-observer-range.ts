const { fround } = Math;
/** Share of the mass by which one end moves inwards at a time. */
const STEP = 1e-5;
const CODES = 256;

/** Counts between two extremes, float32. */
export interface ObserverHistogram {
  readonly min: number;
  readonly max: number;
  readonly counts: Float32Array;
}

/**
 * PyTorch's search for the range of least quantization error: from the whole range, the end whose next step passes more bins
 * moves inwards, as long as the error does not grow.
 */
export function searchObserverRange(histogram: ObserverHistogram): { min: number; max: number } {
  const { counts } = histogram;
  const cumulative = cumulativeSum(counts);
  const total = fround(counts.reduce((sum, count) => sum + count, 0));
  let [low, high] = [0, 1];
  let [first, last] = [0, counts.length - 1];
  let least = Number.POSITIVE_INFINITY;
  while (low < high) {
    const nextLow = low + STEP;
    const nextHigh = high - STEP;
    let left = first;
    let right = last;
    while (left < last && cumulative[left]! < fround(nextLow * total)) left++;
    while (right > first && cumulative[right]! > fround(nextHigh * total)) right--;
    const moveFirst = left - first > last - right;
    if (moveFirst) low = nextLow;
    else high = nextHigh;
    const candidate = moveFirst ? { first: left, last } : { first, last: right };
    if (candidate.first === first && candidate.last === last) continue;
    const error = quantizationError(histogram, candidate.first, candidate.last);
    if (error > least) break;
    least = error;
    ({ first, last } = candidate);
  }
  const width = fround(fround(histogram.max - histogram.min) / counts.length);
  return {
    min: fround(histogram.min + fround(width * first)),
    max: fround(histogram.min + fround(width * (last + 1))),
  };
}

function cumulativeSum(counts: Float32Array): Float32Array {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}

/** Squared error when bins `first` .. `last` are shared out over 256 codes and the counts lie evenly in their bins. */
function quantizationError({ min, max, counts }: ObserverHistogram, first: number, last: number): number {
  const width = (max - min) / counts.length;
  const code = (width * (last - first + 1)) / CODES;
  if (code === 0) return 0;
  const [binWidth, codeWidth, half] = [fround(width), fround(code), fround(code / 2)];
  const middle = thirdOfCubes(fround(-code / 2), half);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const begin = fround(fround(i - first) * binWidth);
    const end = fround(begin + binWidth);
    const codeOfBegin = codeAt(begin, codeWidth);
    const codeOfEnd = codeAt(end, codeWidth);
    const density = fround(counts[i]! / binWidth);
    const beginFromCentre = fround(begin - fround(fround(codeOfBegin + 0.5) * codeWidth));
    const endFromCentre = fround(end - fround(fround(codeOfEnd * codeWidth) + half));
    let error = fround(density * thirdOfCubes(beginFromCentre, half));
    error = fround(error + fround((codeOfEnd - codeOfBegin - 1) * fround(density * middle)));
    sum += fround(error + fround(density * thirdOfCubes(fround(-code / 2), endFromCentre)));
  }
  return fround(sum);
}

/** (end^3 - begin^3) / 3 */
function thirdOfCubes(begin: number, end: number): number {
  const cube = (x: number): number => fround(fround(x * x) * x);
  return fround(fround(cube(end) - cube(begin)) / 3);
}

/** floor(x / width) as PyTorch divides, from the exact remainder, within the codes. */
function codeAt(x: number, width: number): number {
  const remainder = x % width;
  let quotient = fround(fround(x - remainder) / width);
  if (remainder < 0) quotient -= 1;
  const floor = Math.floor(quotient);
  return Math.min(Math.max(quotient - floor > 0.5 ? floor + 1 : floor, 0), CODES - 1);
}
