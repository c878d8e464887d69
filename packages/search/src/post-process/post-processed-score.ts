import { isQError, QError } from '@q/ir';
import type { OutputTensors } from '../output-comparison.ts';
import type { SampleScore } from '../sensitivity/sample-score.ts';

/** A tensor as a post-processing function sees it. */
export interface PostProcessTensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** What a post-processing function answers per name: a tensor, its data alone, or one number. */
export type PostProcessed = Readonly<Record<string, PostProcessTensor | ArrayLike<number> | number>>;

/**
 * `PostProcess` of a search (search.md 1.5): gets the outputs of one sample by name, answers what is compared in their place.
 * It is called for the float network and for every candidate, and must answer the same entries in the same order each time.
 */
export type PostProcess = (outputs: Readonly<Record<string, PostProcessTensor>>) => PostProcessed;

export interface PostProcessing {
  readonly process: PostProcess;
  /** Name and shape of what is compared, in the order of the score's arguments: those of the float network. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** What to call the function in messages, e.g. its file. */
  readonly where: string;
  /** Files of a sample, for messages. */
  readonly filesOf?: (sample: number) => readonly string[];
}

/**
 * Scores what the function makes of the outputs.
 *
 * @throws QError (the score) `search.post-process` when the function throws, or answers something that is no tensors.
 */
export function postProcessedScore(score: SampleScore, processing: PostProcessing): SampleScore {
  // The reference of a sample comes again with every candidate.
  const references = new WeakMap<OutputTensors, OutputTensors>();
  return (reference, candidate, sample) => {
    const known = references.get(reference) ?? processed(reference, processing, sample);
    references.set(reference, known);
    const answered = processed(candidate, processing, sample);
    try {
      return score(known, answered, sample);
    } catch (error) {
      throw answerError(error, [reference, candidate], { processing, sample });
    }
  };
}

/** Of tensors that cannot be scored: the network may be sound, and what the function makes of its outputs not. */
function answerError(
  error: unknown,
  outputs: readonly OutputTensors[],
  { processing, sample }: { readonly processing: PostProcessing; readonly sample: number | undefined },
): unknown {
  if (!isQError(error)) return error;
  const { where, filesOf } = processing;
  const at = sample === undefined ? '' : ` for ${imageText(sample, filesOf)}`;
  if (error.code === 'search.outputs-differ') {
    return new QError(
      `PostProcess of ${where} answers unlike tensors for the float and the quantized network${at}: ${error.message}`,
      { ...error.issues[0]!, hint: 'it must answer the same entries, of the same sizes, each time' },
      { cause: error },
    );
  }
  const isSound = outputs.every((tensors) => tensors.every(({ data }) => allFinite(data)));
  if (error.code !== 'search.not-a-number' || !isSound) return error;
  return new QError(
    `PostProcess of ${where} answers values that are no finite numbers${at}; those that it was given are finite.`,
    { code: 'search.post-process', where, found: error.where ?? '', expected: 'finite numbers' },
    { cause: error },
  );
}

function allFinite(data: ArrayLike<number>): boolean {
  for (let index = 0; index < data.length; index++) if (!Number.isFinite(data[index])) return false;
  return true;
}

function processed(
  outputs: OutputTensors,
  { process, tensors, where, filesOf }: PostProcessing,
  sample: number | undefined,
): OutputTensors {
  const given = Object.fromEntries(
    outputs.map(({ name, data }, index) => {
      const known = tensors[index] ?? { name, shape: [data.length] };
      // A copy: what the function changes in place must not change what is compared later.
      return [known.name, { data: Float32Array.from(data), shape: known.shape }] as const;
    }),
  );
  const answer = called(() => process(given), where, sample === undefined ? '' : ` on ${imageText(sample, filesOf)}`);
  if (typeof answer !== 'object' || answer === null) throw unusable(where, typeName(answer));
  if (isPromise(answer)) throw unusable(where, 'a promise');
  const entries = Object.entries(answer as PostProcessed);
  if (entries.length === 0) throw unusable(where, 'no entries');
  return entries.map(([name, value]) => ({ name, data: dataOf(name, value, where) }));
}

/** `image 3 (cat.jpg)` */
export function imageText(index: number, filesOf: PostProcessing['filesOf']): string {
  const files = filesOf?.(index) ?? [];
  return files.length === 0 ? `image ${index}` : `image ${index} (${files.join(', ')})`;
}

function called(call: () => unknown, where: string, at: string): unknown {
  try {
    return call();
  } catch (cause) {
    if (isQError(cause)) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new QError(
      `PostProcess of ${where} failed${at}: ${text}`,
      { code: 'search.post-process', where, found: text },
      { cause },
    );
  }
}

function dataOf(name: string, value: PostProcessed[string], where: string): ArrayLike<number> {
  if (typeof value === 'number') return [value];
  const data = typeof value === 'object' && value !== null && 'data' in value ? value.data : value;
  if (typeof data !== 'object' || data === null || typeof data.length !== 'number') {
    throw unusable(where, `${name}: ${typeName(value)}`);
  }
  return data;
}

/** Is it a promise? What it may be rejected with later is of no interest then, and must not end the process. */
export function isPromise(value: unknown): boolean {
  if (typeof (value as { then?: unknown } | null | undefined)?.then !== 'function') return false;
  Promise.resolve(value).catch(() => {});
  return true;
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function unusable(where: string, found: string): QError {
  return new QError(`PostProcess of ${where} does not answer tensors by name.`, {
    code: 'search.post-process',
    where,
    found,
    expected: 'an object of { data, shape }, arrays of numbers, or numbers; not a promise',
  });
}
