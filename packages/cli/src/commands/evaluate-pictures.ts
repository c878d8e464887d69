import { decodeImage } from '@q/dataset';
import { editDistance, psnr, readGreedily } from '@q/evaluate';
import { QError } from '@q/ir';
import type { EvaluationTask } from './evaluate-task.ts';

/** Grey target pictures per sample, 0..255. */
export interface TargetPictures {
  readonly pixels: readonly Uint8Array[];
  /** What 255 is in the network's output. */
  readonly peak: number;
}

/** Reads the target of every sample: grey pictures of the same names. */
export async function readTargets(
  files: readonly string[],
  read: (file: string) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  return Promise.all(files.map(async (file) => (await decodeImage(await read(file), 'gray', file)).data));
}

/** Peak signal-to-noise ratio of the first output, clamped to what a picture holds; the mean of the samples' decibels. */
export function superResolutionTask({ pixels, peak }: TargetPictures): EvaluationTask {
  return {
    harness: 'psnr',
    counter(network) {
      const decibels: number[] = [];
      return {
        add(sample, outputs) {
          const target = pixels[sample]!;
          const { data, name, shape } = outputs[0]!;
          if (data.length !== target.length) {
            throw new QError(
              `The target of sample ${sample} has ${target.length} pixels, output ${name} of ${network.name} ${data.length}`,
              {
                code: 'cli.target-size',
                where: name,
                found: `[${shape.join(',')}]`,
                expected: `${target.length} pixels, as many as the target has`,
              },
            );
          }
          const picture = Float64Array.from(data, (value) => Math.min(Math.max(value / peak, 0), 1));
          decibels.push(
            psnr(
              picture,
              Float64Array.from(target, (level) => level / 255),
              1,
            ),
          );
        },
        result: () => [
          { name: 'PSNR', value: decibels.reduce((sum, one) => sum + one, 0) / decibels.length, unit: 'dB' },
        ],
      };
    },
  };
}

export interface Texts {
  /** What each sample says. */
  readonly texts: readonly string[];
  /** The signs, in the order of the classes behind the blank. */
  readonly signs: readonly string[];
}

/** Words read right, and signs right (1 − edit distance / length), of an output [steps, 1 + signs] whose class 0 is the blank. */
export function readingTask({ texts, signs }: Texts): EvaluationTask {
  return {
    harness: 'text',
    counter(network) {
      let [samples, right, errors, length] = [0, 0, 0, 0];
      return {
        add(sample, outputs) {
          const { data, name, shape } = outputs[0]!;
          if (shape.at(-1) !== signs.length + 1) {
            throw new QError(
              `--category_file has ${signs.length} signs, but output ${name} of ${network.name} has ${shape.at(-1)} classes`,
              {
                code: 'cli.class-count',
                where: name,
                found: `[${shape.join(',')}]`,
                expected: `${signs.length + 1} in the last dimension: a blank and one per sign`,
              },
            );
          }
          const read = readGreedily(data, signs.length + 1, 0)
            .map((symbol) => signs[symbol - 1]!)
            .join('');
          const text = texts[sample]!;
          samples++;
          if (read === text) right++;
          errors += editDistance(read, text);
          length += text.length;
        },
        result: () => [
          { name: 'words', value: right / samples, unit: 'fraction' },
          { name: 'signs', value: 1 - errors / length, unit: 'fraction' },
        ],
      };
    },
  };
}

/** Nothing but the agreement with the first network, which every table has. */
export function similarityTask(): EvaluationTask {
  return { harness: 'similarity', counter: () => ({ add: () => undefined, result: () => [] }) };
}
