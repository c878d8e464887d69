import { type Graph, QError, type TensorType } from '@q/ir';
import type { TensorSlot } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { pairSums, vendorSimilarity } from '../similarity.ts';

/** How near a candidate's outputs for one sample are to the reference's; larger is better. `sample` says which one, for messages. */
export type SampleScore = (reference: OutputTensors, candidate: OutputTensors, sample?: number) => number;

/**
 * The score of TPU-MLIR's searches (search.md 1.2): the mean over tensors, by position, of (1 + cosine) / 2, weighted by
 * `rates` (all alike without). Sums are f64 here, f32 there.
 *
 * @throws QError `search.outputs-differ`, `search.not-a-number`.
 */
export function similarityScore(rates?: readonly number[]): SampleScore {
  return (reference, candidate) => {
    if (reference.length !== candidate.length) throw differ(`${reference.length} tensors`, `${candidate.length}`);
    let sum = 0;
    let weight = 0;
    reference.forEach((expected, index) => {
      const found = candidate[index]!;
      if (expected.data.length !== found.data.length) {
        throw differ(`${expected.data.length} elements`, `${found.data.length}`, `${expected.name} vs ${found.name}`);
      }
      const rate = rates?.[index] ?? 1;
      const sums = pairSums(expected.data, found.data);
      if (!Number.isFinite(sums.errorSquared)) throw notANumber(expected.name);
      sum += rate * vendorSimilarity(sums);
      weight += rate;
    });
    return sum / weight;
  };
}

/**
 * 1 − noise over signal, as `--benchmark_method snr` ranks methods (search.md 1.3): the original overwrites its sum, so
 * only the last tensor counts.
 */
export function signalScore(rates?: readonly number[]): SampleScore {
  return (reference, candidate) => {
    if (reference.length !== candidate.length) throw differ(`${reference.length} tensors`, `${candidate.length}`);
    const last = reference.length - 1;
    const [expected, found] = [reference[last]!, candidate[last]!];
    if (expected.data.length !== found.data.length) {
      throw differ(`${expected.data.length} elements`, `${found.data.length}`, `${expected.name} vs ${found.name}`);
    }
    const sums = pairSums(expected.data, found.data);
    if (!Number.isFinite(sums.errorSquared)) throw notANumber(expected.name);
    const weight = reference.reduce((total, _, index) => total + (rates?.[index] ?? 1), 0);
    return 1 - ((rates?.[last] ?? 1) * (sums.errorSquared / (sums.referenceSquared + 1e-7))) / weight;
  };
}

function differ(expected: string, found: string, where = 'outputs'): QError {
  return new QError(`Calc loss fail:${where}`, { code: 'search.outputs-differ', where, found, expected });
}

function notANumber(name: string): QError {
  return new QError(`${name} holds values that are no finite numbers, so it cannot be scored.`, {
    code: 'search.not-a-number',
    where: name,
    hint: 'look for the layer that makes them: its range may be missing or too large for the float type',
  });
}

/** Names of the values that are compared: the outputs, or layers that the caller named. */
export function comparedNames(graph: Graph, layers: readonly string[] | undefined): readonly string[] {
  return layers ?? graph.outputs;
}

/** The reals of values; codes are scaled as the interpreter scales them, in f32. Float data are not copied. */
export function realsOf(names: readonly string[], slotOf: (name: string) => TensorSlot): OutputTensors {
  return names.map((name) => {
    const slot = slotOf(name);
    return { name, data: realsOfData(slot.view(), slot.type) };
  });
}

/** The same of data that a value of that type has. */
export function realsOfData(codes: ArrayLike<number>, { quantization }: TensorType): ArrayLike<number> {
  if (quantization?.kind !== 'uniform') return codes;
  // A loop of its own: `Float32Array.from` with a function takes a hundred times as long.
  const reals = new Float32Array(codes.length);
  const { scale, zeroPoint } = quantization;
  const factor = Math.fround(scale);
  for (let i = 0; i < reals.length; i++) reals[i] = (codes[i]! - zeroPoint) * factor;
  return reals;
}

/** Arithmetic mean in sample order. */
export function meanOf(scores: Float64Array): number {
  let sum = 0;
  for (const score of scores) sum += score;
  return sum / scores.length;
}
