import { isQError, QError } from '@q/ir';
import type { OutputTensors } from '../output-comparison.ts';
import { imageText, isPromise, type PostProcessTensor } from '../post-process/post-processed-score.ts';
import { type SampleScore, similarityScore } from '../sensitivity/sample-score.ts';
import { pairSums, sqnrDb } from '../similarity.ts';

/** An image (or other sample) that networks are compared on. */
export interface MetricImage {
  /** Counted from 0, in the order of the search's samples. */
  readonly index: number;
  /** Files that it was read from, as the data set names them: what labels are found by. */
  readonly files: readonly string[];
}

type NamedTensors = Readonly<Record<string, PostProcessTensor>>;

/**
 * A measure of one's own, larger is better. `metric` gets what the float network and the quantized one answer for one image, by
 * name, and answers a number: the mean over images counts. With `summarize`, `metric` may answer anything, and `summarize`
 * makes the number of the answers for all images, in their order: measures over whole data sets, such as average precision.
 */
export interface UserMetric {
  readonly metric: (float: NamedTensors, quantized: NamedTensors, image: MetricImage) => unknown;
  readonly summarize?: (answers: readonly unknown[]) => number;
}

export interface UserMetricSource extends UserMetric {
  /** What to call it in messages: its file. */
  readonly where: string;
  /** Name and shape of what is compared, in the order of the networks' outputs. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Files of an image. */
  readonly filesOf: (index: number) => readonly string[];
}

/** How good a network is, found out image by image. */
export interface MeasureRun {
  add(reference: OutputTensors, candidate: OutputTensors, image: number): void;
  /** Larger is better. */
  value(): number;
}

export interface FloatSetMeasure {
  /** As reports and files call it. */
  readonly name: string;
  /** Behind values: ` dB`, or nothing. */
  readonly unit: string;
  start(): MeasureRun;
}

/** Mean over images of a score per image: the likeness of TPU-MLIR by default. */
export function scoreMeasure(score: SampleScore = similarityScore(), name = 'cos'): FloatSetMeasure {
  const start = (): MeasureRun => {
    let [sum, count] = [0, 0];
    return {
      add(reference, candidate, image) {
        sum += score(reference, candidate, image);
        count++;
      },
      value: () => sum / count,
    };
  };
  return { name, unit: '', start };
}

/**
 * Signal to quantization noise in dB of the output that has least: 10·log10(Σ float² / Σ (float − quantized)²), both sums over all
 * images. Infinite for equal outputs.
 */
export function sqnrMeasure(): FloatSetMeasure {
  const start = (): MeasureRun => {
    const sums: { signal: number; noise: number }[] = [];
    return {
      add(reference, candidate) {
        for (const [index, { name, data }] of reference.entries()) {
          const found = candidate[index];
          if (found?.data.length !== data.length) throw outputsDiffer(name, data.length, found?.data.length);
          const { referenceSquared, errorSquared } = pairSums(data, found.data);
          if (!Number.isFinite(errorSquared)) throw notANumber(name);
          sums[index] ??= { signal: 0, noise: 0 };
          sums[index].signal += referenceSquared;
          sums[index].noise += errorSquared;
        }
      },
      value: () => Math.min(...sums.map(({ signal, noise }) => decibels(signal, noise))),
    };
  };
  return { name: 'sqnr', unit: ' dB', start };
}

function decibels(referenceSquared: number, errorSquared: number): number {
  return sqnrDb({ dot: 0, referenceSquared, candidateSquared: 0, errorSquared, maxError: 0 });
}

/**
 * A function of the user's.
 *
 * @throws QError (while it measures) `search.metric`: it threw, or answered no finite number; names the file and the image.
 */
export function userMeasure(source: UserMetricSource): FloatSetMeasure {
  const { metric, summarize, where, tensors, filesOf } = source;
  const start = (): MeasureRun => {
    const answers: unknown[] = [];
    return {
      add(reference, candidate, index) {
        const image = { index, files: filesOf(index) };
        const at = imageText(index, filesOf);
        const given = [named(reference, tensors), named(candidate, tensors)] as const;
        const answer = called(() => metric(given[0], given[1], image), `metric of ${where} failed on ${at}`, where);
        if (summarize === undefined) requireNumber(answer, `metric of ${where} for ${at}`, where);
        answers.push(answer);
      },
      value() {
        if (summarize === undefined)
          return answers.reduce((sum: number, value) => sum + (value as number), 0) / answers.length;
        const images = `${answers.length} images`;
        const value = called(() => summarize(answers), `summarize of ${where} failed on ${images}`, where);
        return requireNumber(value, `summarize of ${where} for ${images}`, where);
      },
    };
  };
  return { name: 'metric', unit: '', start };
}

/** Copies: what a function changes in place must not change what is compared later. */
function named(outputs: OutputTensors, tensors: UserMetricSource['tensors']): NamedTensors {
  return Object.fromEntries(
    outputs.map(({ name, data }, index) => {
      const known = tensors[index] ?? { name, shape: [data.length] };
      return [known.name, { data: Float32Array.from(data), shape: known.shape }] as const;
    }),
  );
}

function called<T>(call: () => T, what: string, where: string): T {
  try {
    return call();
  } catch (cause) {
    if (isQError(cause)) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new QError(`${what}: ${text}`, { code: 'search.metric', where, found: text }, { cause });
  }
}

function requireNumber(value: unknown, what: string, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new QError(`${what} is no finite number`, {
    code: 'search.metric',
    where,
    found: isPromise(value) ? 'a promise' : String(value),
    expected: 'a finite number, larger is better',
  });
}

function outputsDiffer(where: string, expected: number, found: number | undefined): QError {
  return new QError(`Calc loss fail:${where}`, {
    code: 'search.outputs-differ',
    where,
    found: found === undefined ? 'no such output' : `${found} elements`,
    expected: `${expected} elements`,
  });
}

function notANumber(name: string): QError {
  return new QError(`${name} holds values that are no finite numbers, so it cannot be scored.`, {
    code: 'search.not-a-number',
    where: name,
    hint: 'look for the layer that makes them: its range may be missing or too large for the float type',
  });
}
