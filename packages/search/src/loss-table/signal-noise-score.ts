import { QError } from '@q/ir';
import type { SampleScore } from '../sensitivity/sample-score.ts';

/**
 * Signal to noise in dB, both without their means, averaged over the outputs by their sizes; outputs without noise are left
 * out, and nothing but those is −∞ (search.md 1.4). The loss of 2022 is the negative of it.
 *
 * @throws QError (the score) `search.outputs-differ`
 */
export function signalNoiseScore(): SampleScore {
  return (reference, candidate) => {
    let sum = 0;
    let size = 0;
    for (const [index, { data, name }] of reference.entries()) {
      const found = candidate[index]?.data;
      if (found?.length !== data.length) throw differ(name, data.length, found?.length);
      const decibels = signalNoise(data, found);
      if (!Number.isFinite(decibels)) continue;
      sum += decibels * data.length;
      size += data.length;
    }
    return size === 0 ? Number.NEGATIVE_INFINITY : sum / size;
  };
}

function signalNoise(signal: ArrayLike<number>, found: ArrayLike<number>): number {
  const { length } = signal;
  let [signalSum, noiseSum] = [0, 0];
  for (let i = 0; i < length; i++) {
    signalSum += signal[i]!;
    noiseSum += signal[i]! - found[i]!;
  }
  const [signalMean, noiseMean] = [signalSum / length, noiseSum / length];
  let [signalPower, noisePower] = [0, 0];
  for (let i = 0; i < length; i++) {
    signalPower += (signal[i]! - signalMean) ** 2;
    noisePower += (signal[i]! - found[i]! - noiseMean) ** 2;
  }
  return 10 * Math.log10(signalPower / noisePower);
}

function differ(where: string, expected: number, found: number | undefined): QError {
  return new QError(`Calc loss fail:${where}`, {
    code: 'search.outputs-differ',
    where,
    found: found === undefined ? 'no such output' : `${found} elements`,
    expected: `${expected} elements`,
  });
}
