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
 * from each of the starts; the best of them. Codes depend on magnitudes only, so that with these in order a round looks at
 * the ends of the codes instead of at every value.
 */
export function searchAdmm(data: Weighted, starts: readonly number[]): number {
  const ordered = new OrderedMagnitudes(data);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const start of starts) {
    if (!(start > 0)) continue;
    const scale = refine(ordered, start);
    const error = ordered.squaredError(scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/** Projection on the codes and least squares for the scale, in turn. */
function refine(ordered: OrderedMagnitudes, start: number): number {
  let scale = start;
  for (let round = 0; round < ROUNDS; round++) {
    const { products, squares } = ordered.project(scale);
    if (squares === 0) return scale;
    const next = products / squares;
    if (Math.abs(next - scale) <= TOLERANCE * scale) return next;
    scale = next;
  }
  return scale;
}

/** Sums over the values and their codes. */
interface Projection {
  /** Of value * code. */
  readonly products: number;
  /** Of code^2. */
  readonly squares: number;
}

class OrderedMagnitudes {
  readonly #magnitudes: Float64Array;
  /** Over the magnitudes from each on: weights, and weights times magnitudes. */
  readonly #weightFrom: Float64Array;
  readonly #sumFrom: Float64Array;
  readonly #squares: number;

  constructor({ values, weights }: Weighted) {
    const order = weights === undefined ? undefined : orderOf(values);
    const { length } = values;
    this.#magnitudes = Float64Array.from({ length }, (_, i) => Math.abs(values[order?.[i] ?? i]!));
    if (order === undefined) this.#magnitudes.sort();
    this.#weightFrom = new Float64Array(length + 1);
    this.#sumFrom = new Float64Array(length + 1);
    let squares = 0;
    for (let i = length - 1; i >= 0; i--) {
      const weight = order === undefined ? 1 : weights![order[i]!]!;
      const magnitude = this.#magnitudes[i]!;
      this.#weightFrom[i] = this.#weightFrom[i + 1]! + weight;
      this.#sumFrom[i] = this.#sumFrom[i + 1]! + weight * magnitude;
      squares += weight * magnitude * magnitude;
    }
    this.#squares = squares;
  }

  /** Every value to its nearest code, halves away from zero. */
  project(scale: number): Projection {
    let [products, squares, from] = [0, 0, 0];
    for (let code = 1; code <= LEVELS; code++) {
      from = this.#firstOf(code, scale, from);
      products += this.#sumFrom[from]!;
      squares += (2 * code - 1) * this.#weightFrom[from]!;
    }
    return { products, squares };
  }

  squaredError(scale: number): number {
    const { products, squares } = this.project(scale);
    return this.#squares - 2 * scale * products + scale * scale * squares;
  }

  /** The first magnitude whose code is at least `code`. */
  #firstOf(code: number, scale: number, from: number): number {
    let [low, high] = [from, this.#magnitudes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Math.floor(this.#magnitudes[middle]! / scale + 0.5) >= code) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function orderOf(values: ArrayLike<number>): Uint32Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i);
  return order.sort((a, b) => Math.abs(values[a]!) - Math.abs(values[b]!));
}
