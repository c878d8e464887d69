import type { ChannelLayout } from './output-channels.ts';

/** Variances below this part of the largest one are those of channels that never change. */
const LEAST_SPREAD = 1e-12;

/**
 * Running sums over pairs of a float and a quantized output, channel by channel. Cosine and SNR of an output follow its largest
 * numbers: pixels of boxes hide what becomes of scores beside them, and a constant offset hides what becomes of all. Here each
 * channel is measured by how much it varies, and each counts the same.
 */
export class ChannelErrors {
  readonly #noise: Float64Array;
  readonly #sum: Float64Array;
  readonly #square: Float64Array;
  #perChannel = 0;

  constructor(private readonly layout: ChannelLayout) {
    this.#noise = new Float64Array(layout.count);
    this.#sum = new Float64Array(layout.count);
    this.#square = new Float64Array(layout.count);
  }

  add(f: ArrayLike<number>, q: ArrayLike<number>): this {
    const { count, inner } = this.layout;
    for (let k = 0, row = 0; k < f.length; row++) {
      const c = row % count;
      for (let i = 0; i < inner; i++, k++) {
        const [a, b] = [f[k]!, q[k]!];
        this.#noise[c]! += (b - a) ** 2;
        this.#sum[c]! += a;
        this.#square[c]! += a * a;
      }
    }
    this.#perChannel += f.length / count;
    return this;
  }

  /**
   * The part of the output that is lost, 0 … 1: noise power over the variance of the float values, at most 1, mean over the
   * channels that vary.
   */
  get lost(): number {
    const variances = this.#square.map((square, c) => {
      const mean = this.#sum[c]! / this.#perChannel;
      return Math.max(0, square / this.#perChannel - mean * mean);
    });
    const least = LEAST_SPREAD * Math.max(...variances);
    let [total, varying] = [0, 0];
    variances.forEach((variance, c) => {
      if (variance <= least) return;
      total += Math.min(1, this.#noise[c]! / this.#perChannel / variance);
      varying++;
    });
    return varying === 0 ? 0 : total / varying;
  }
}
