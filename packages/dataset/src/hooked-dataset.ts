import { QError } from '@q/ir';
import type { Dataset, DatasetInput, Feeds } from './dataset.ts';

/** What a user's hook is told about a sample. */
export interface HookRequest {
  /** The sample's files, as the list or folder names them. */
  readonly files: readonly string[];
  /** Bytes of each of them. */
  readonly bytes: readonly Uint8Array[];
  readonly inputs: readonly DatasetInput[];
}

/** A user's own preprocessing: values of every network input, in the layout of its shape. */
export type SampleHook = (
  request: HookRequest,
) => Readonly<Record<string, ArrayLike<number>>> | Promise<Readonly<Record<string, ArrayLike<number>>>>;

export interface HookedDatasetOptions {
  readonly inputs: readonly DatasetInput[];
  /** Files of each sample, in order. */
  readonly samples: readonly (readonly string[])[];
  read(path: string): Promise<Uint8Array>;
  readonly hook: SampleHook;
}

/**
 * Samples that a user's function prepares from their files.
 *
 * @throws QError `dataset.hook` (from `sample`) when the function fails or gives other inputs or sizes than the network's
 */
export function hookedDataset({ inputs, samples, read, hook }: HookedDatasetOptions): Dataset {
  return {
    kind: 'npz',
    length: samples.length,
    files: (i) => samples[i]!,
    async sample(i): Promise<Feeds> {
      const files = samples[i]!;
      const bytes = await Promise.all(files.map((file) => read(file)));
      const where = files.join(', ');
      let given: Readonly<Record<string, ArrayLike<number>>>;
      try {
        given = await hook({ files, bytes, inputs });
      } catch (cause) {
        const found = cause instanceof Error ? cause.message : String(cause);
        throw new QError(
          `The preprocessing hook failed on ${where}: ${found}`,
          { code: 'dataset.hook', where, found },
          { cause },
        );
      }
      return new Map(inputs.map((input) => [input.name, checked(given, input, where)]));
    },
  };
}

function checked(given: Readonly<Record<string, ArrayLike<number>>>, input: DatasetInput, where: string): Float32Array {
  const values = (given as Readonly<Record<string, ArrayLike<number>>> | undefined)?.[input.name];
  const size = input.shape.reduce((product, dim) => product * dim, 1);
  if (values?.length === size) return Float32Array.from(values);
  throw new QError(`The preprocessing hook gives ${values?.length ?? 'no'} values for input ${input.name}.`, {
    code: 'dataset.hook',
    where,
    found: `${values?.length ?? 'no'} values`,
    expected: `${size} values for ${input.shape.join('x')}, as { "${input.name}": Float32Array }`,
  });
}
