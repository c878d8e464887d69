import { QError } from '@q/ir';
import { cosine, pairSums, sqnrDb } from './similarity.ts';

/** Values of one network's outputs for one sample, in output order. */
export type OutputTensors = readonly { readonly name: string; readonly data: ArrayLike<number> }[];

/** How a candidate's output agrees with the reference's, over all samples that were added. */
export interface OutputAgreement {
  readonly name: string;
  /** Arithmetic mean over samples of the plain cosine. */
  readonly cosine: number;
  /** The sample that agrees least. */
  readonly worstCosine: number;
  /** SQNR in dB of all samples taken together: 10·log10(Σ signal / Σ noise). */
  readonly sqnrDb: number;
  readonly maxError: number;
}

interface Accumulator {
  name: string;
  cosines: number;
  worst: number;
  signal: number;
  noise: number;
  maxError: number;
}

/** Compares a candidate with a reference, sample by sample. Outputs are paired by position, as search.md 1.2 does. */
export class OutputComparison {
  readonly #outputs: Accumulator[] = [];
  #samples = 0;

  get samples(): number {
    return this.#samples;
  }

  add(reference: OutputTensors, candidate: OutputTensors): void {
    if (reference.length !== candidate.length) {
      throw new QError(`the networks have ${reference.length} and ${candidate.length} outputs`, {
        code: 'search.outputs-differ',
        found: candidate.map((output) => output.name).join(', '),
        expected: reference.map((output) => output.name).join(', '),
      });
    }
    reference.forEach((expected, index) => {
      const found = candidate[index]!;
      if (expected.data.length !== found.data.length) {
        throw new QError(`Calc loss fail:${expected.name} vs ${found.name}`, {
          code: 'search.outputs-differ',
          where: expected.name,
          found: `${found.data.length} elements`,
          expected: `${expected.data.length} elements`,
        });
      }
      this.#accumulate(index, expected.name, pairSums(expected.data, found.data));
    });
    this.#samples++;
  }

  #accumulate(index: number, name: string, sums: ReturnType<typeof pairSums>): void {
    this.#outputs[index] ??= { name, cosines: 0, worst: Number.POSITIVE_INFINITY, signal: 0, noise: 0, maxError: 0 };
    const output = this.#outputs[index];
    const similarity = cosine(sums);
    output.cosines += similarity;
    output.worst = Math.min(output.worst, similarity);
    output.signal += sums.referenceSquared;
    output.noise += sums.errorSquared;
    output.maxError = Math.max(output.maxError, sums.maxError);
  }

  /** One entry per output. Empty before the first sample. */
  result(): OutputAgreement[] {
    return this.#outputs.map((output) => ({
      name: output.name,
      cosine: output.cosines / this.#samples,
      worstCosine: output.worst,
      sqnrDb: sqnrDb({
        dot: 0,
        referenceSquared: output.signal,
        candidateSquared: 0,
        errorSquared: output.noise,
        maxError: 0,
      }),
      maxError: output.maxError,
    }));
  }
}
