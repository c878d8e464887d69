import type { TypedArray } from '@q/ir';
import type { Workbench } from '@q/runtime';

/** Values of the base network that are kept of one sample. */
export type SavedValues = ReadonlyMap<string, TypedArray>;

/** Values of the base network per sample, so that later candidates need not compute what lies before them again. */
export class Frontier {
  readonly #saved: (SavedValues | undefined)[] = [];
  readonly #budget: number;
  #bytes = 0;

  /** @param budget bytes that all samples together may hold; what does not fit is computed again. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  of(sample: number): SavedValues {
    return this.#saved[sample] ?? new Map();
  }

  /** Replaces what is kept of a sample by copies of `names`. */
  save(sample: number, names: readonly string[], bench: Workbench): void {
    this.#bytes -= bytesOf(this.of(sample));
    const size = names.reduce((sum, name) => sum + bench.slot(name).byteLength, 0);
    const values =
      this.#bytes + size > this.#budget ? undefined : new Map(names.map((name) => [name, bench.read(name)]));
    this.#saved[sample] = values;
    this.#bytes += bytesOf(values ?? new Map());
  }
}

function bytesOf(values: SavedValues): number {
  let sum = 0;
  for (const { byteLength } of values.values()) sum += byteLength;
  return sum;
}
