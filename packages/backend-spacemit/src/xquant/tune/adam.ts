import type { Node } from './gradient/tape.ts';

const [DECAY, SQUARE_DECAY, EPSILON] = [0.9, 0.999, 1e-8];

/** Adam (Kingma and Ba, 2015) over some tensors. */
export class Adam {
  #step = 0;
  readonly #moments: readonly { readonly first: Float64Array; readonly second: Float64Array }[];

  constructor(
    private readonly variables: readonly Node[],
    private readonly rate: number,
  ) {
    this.#moments = variables.map(({ data }) => ({
      first: new Float64Array(data.length),
      second: new Float64Array(data.length),
    }));
  }

  /** Moves every variable against its gradient, and forgets the gradients. */
  update(): void {
    this.#step++;
    const [bias, squareBias] = [1 - DECAY ** this.#step, 1 - SQUARE_DECAY ** this.#step];
    this.variables.forEach((variable, at) => {
      const { first, second } = this.#moments[at]!;
      const { data, gradient } = variable;
      if (gradient === undefined) return;
      for (let i = 0; i < data.length; i++) {
        first[i] = DECAY * first[i]! + (1 - DECAY) * gradient[i]!;
        second[i] = SQUARE_DECAY * second[i]! + (1 - SQUARE_DECAY) * gradient[i]! * gradient[i]!;
        data[i]! -= (this.rate * (first[i]! / bias)) / (Math.sqrt(second[i]! / squareBias) + EPSILON);
      }
      variable.gradient = undefined;
    });
  }
}
