import type { Graph } from '@q/ir';
import { createSession, type Feeds, type Session } from '@q/runtime';
import { pairSums, vendorSimilarity } from '../similarity.ts';
import { realsOf } from './sample-score.ts';

/** How near the values of a network are to those of its float original, sample by sample. */
export class LayerLikeness {
  readonly #float: Session;
  readonly #quantized: Session;
  readonly #names: readonly string[];

  private constructor(float: Session, quantized: Session, names: readonly string[]) {
    this.#float = float;
    this.#quantized = quantized;
    this.#names = names;
  }

  /** @param names values that both networks have */
  static async open(float: Graph, quantized: Graph, names: readonly string[]): Promise<LayerLikeness> {
    const open = (network: Graph): Promise<Session> => createSession(network, { retain: names, nonFinite: 'allow' });
    return new LayerLikeness(await open(float), await open(quantized), names);
  }

  /** (1 + cosine) / 2 of each value. */
  of(feeds: Feeds): Float64Array {
    this.#float.run(feeds);
    this.#quantized.run(feeds);
    return Float64Array.from(this.#names, (name) => {
      const [expected] = realsOf([name], (value) => this.#float.slot(value));
      const [found] = realsOf([name], (value) => this.#quantized.slot(value));
      return vendorSimilarity(pairSums(expected!.data, found!.data));
    });
  }

  dispose(): void {
    this.#float.dispose();
    this.#quantized.dispose();
  }
}
