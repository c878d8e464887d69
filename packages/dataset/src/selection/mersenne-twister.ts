const N = 624;
const M = 397;

/**
 * MT19937 seeded by `init_by_array([seed])`, which is what Python's `random.seed(int)` does for seeds below 2^32
 * (Matsumoto and Nishimura, mt19937ar.c).
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(N);
  #next = N;

  constructor(seed: number) {
    const s = this.#state;
    s[0] = 19650218;
    for (let i = 1; i < N; i++) s[i] = Math.imul(1812433253, mix(s[i - 1]!)) + i;
    let i = 1;
    for (let k = 0; k < N; k++) {
      s[i] = (s[i]! ^ Math.imul(mix(s[i - 1]!), 1664525)) + seed;
      i = this.#advance(i);
    }
    for (let k = 0; k < N - 1; k++) {
      s[i] = (s[i]! ^ Math.imul(mix(s[i - 1]!), 1566083941)) - i;
      i = this.#advance(i);
    }
    s[0] = 0x80000000;
  }

  /** The next 32-bit output, as an unsigned integer. */
  nextUint32(): number {
    if (this.#next === N) this.#refill();
    let y = this.#state[this.#next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #advance(i: number): number {
    if (i + 1 < N) return i + 1;
    this.#state[0] = this.#state[N - 1]!;
    return 1;
  }

  #refill(): void {
    const s = this.#state;
    for (let k = 0; k < N; k++) {
      const y = (s[k]! & 0x80000000) | (s[(k + 1) % N]! & 0x7fffffff);
      s[k] = s[(k + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}

function mix(x: number): number {
  return x ^ (x >>> 30);
}
