/** A tensor of a computation that is differentiated; `gradient` is that of the loss, once something flowed back to it. */
export interface Node {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  gradient: Float32Array | undefined;
}

/**
 * Records what is computed and plays it back in reverse: every operation adds a step that turns the gradient of its result
 * into contributions to the gradients of its operands. Sums are taken in a fixed order, so that the same input gives the
 * same numbers.
 */
export class Tape {
  readonly #steps: (() => void)[] = [];

  node(shape: readonly number[], data: Float32Array = new Float32Array(sizeOf(shape))): Node {
    return { shape, data, gradient: undefined };
  }

  /** `propagate` runs when the result has a gradient. */
  record(result: Node, propagate: (gradient: Float32Array) => void): Node {
    this.#steps.push(() => {
      if (result.gradient !== undefined) propagate(result.gradient);
    });
    return result;
  }

  backward(): void {
    for (const step of this.#steps.reverse()) step();
    this.#steps.length = 0;
  }
}

/** Room for a node's gradient; zero until something is added. */
export function gradientOf(node: Node): Float32Array {
  node.gradient ??= new Float32Array(node.data.length);
  return node.gradient;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
