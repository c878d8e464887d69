const LEVELS = 127;
const ROUNDS = 300;
const TOLERANCE = 1e-6;

/** Values with how often each occurs (once where no weights are given). */
export interface Weighted {
  readonly values: ArrayLike<number>;
  readonly weights?: ArrayLike<number>;
}

/**
 * The scale of the codes -127 .. 127 that leaves the least squared error, by alternating minimisation (bm1684-tools.md 9.4),
 * from each of the starts; the best of them.
 */
export function searchAdmm(data: Weighted, starts: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const start of starts) {
    if (!(start > 0)) continue;
    const scale = refine(data, start);
    const error = squaredError(data, scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/** Projection on the codes and least squares for the scale, in turn. */
function refine({ values, weights }: Weighted, start: number): number {
  let scale = start;
  for (let round = 0; round < ROUNDS; round++) {
    let products = 0;
    let squares = 0;
    for (let i = 0; i < values.length; i++) {
      const code = codeOf(values[i]!, scale);
      const weight = weights === undefined ? 1 : weights[i]!;
      products += weight * values[i]! * code;
      squares += weight * code * code;
    }
    if (squares === 0) return scale;
    const next = products / squares;
    if (Math.abs(next - scale) <= TOLERANCE * scale) return next;
    scale = next;
  }
  return scale;
}

function squaredError({ values, weights }: Weighted, scale: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += (weights === undefined ? 1 : weights[i]!) * (values[i]! - scale * codeOf(values[i]!, scale)) ** 2;
  }
  return sum;
}

/** To the nearest code, halves away from zero. */
function codeOf(value: number, scale: number): number {
  const code = Math.min(Math.floor(Math.abs(value) / scale + 0.5), LEVELS);
  return value < 0 ? -code : code;
}
