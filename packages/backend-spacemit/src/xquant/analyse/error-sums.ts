/** Running sums over pairs of a float and a quantized tensor; spacemit.md 11, in float64. */
export class ErrorSums {
  #noise = 0;
  #signal = 0;
  #power = 0;
  #product = 0;
  #count = 0;

  add(f: ArrayLike<number>, q: ArrayLike<number>): this {
    for (let i = 0; i < f.length; i++) {
      const [a, b] = [f[i]!, q[i]!];
      this.#noise += (b - a) ** 2;
      this.#signal += a ** 2;
      this.#power += b ** 2;
      this.#product += a * b;
    }
    this.#count += f.length;
    return this;
  }

  /** Noise over signal: less is better. */
  get snr(): number {
    return this.#noise / (this.#signal + 1e-7);
  }

  get mse(): number {
    return this.#noise / this.#count;
  }

  /** Two tensors of zeros agree: the vendor prints 0 for them. */
  get cosine(): number {
    if (this.#signal === 0 && this.#power === 0) return 1;
    return this.#product / Math.max(Math.sqrt(this.#signal) * Math.sqrt(this.#power), 1e-8);
  }
}
