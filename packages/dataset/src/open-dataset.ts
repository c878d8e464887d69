import { type Graph, inputsOf, QError, typeOf } from '@q/ir';
import { arraySamples, npzSamples } from './array-samples.ts';
import type { Dataset } from './dataset.ts';
import { imageSamples } from './image-samples.ts';
import type { Interpolation } from './preprocess/interpolation.ts';
import { parseDataList, type SampleFiles } from './selection/data-list.ts';
import { commonKind, type SampleKind } from './selection/sample-kind.ts';
import { selectFiles } from './selection/select-files.ts';
import type { DatasetSource } from './sources/source.ts';

export interface DatasetOptions {
  readonly source: DatasetSource;
  /** The network to feed: names, shapes and preprocessing of its inputs. */
  readonly graph: Graph;
  /** Number of samples; 0 (the default) or more than there are means all. */
  readonly inputNum?: number;
  /** Text of a data list; its paths are given to `source.read` as they stand, and the order is kept. */
  readonly dataList?: string;
  /** How pictures are resized; TPU-MLIR's `linear` by default. */
  readonly interpolation?: Interpolation | undefined;
  /** What to call the folder or list in messages. */
  readonly where?: string;
}

/** Chooses the samples (calibration.md 3.1, 3.2) and prepares to read them. */
export async function openDataset(options: DatasetOptions): Promise<Dataset> {
  const {
    source,
    graph,
    inputNum = 0,
    dataList,
    interpolation,
    where = dataList === undefined ? 'the dataset' : 'the data list',
  } = options;
  const inputs = inputsOf(graph).map(({ name }) => ({ name, shape: typeOf(graph, name)!.shape }));
  if (inputs.length === 0)
    throw new QError(`The network ${graph.name} has no inputs to feed.`, { code: 'dataset.inputs', where: graph.name });
  const samples: SampleFiles[] =
    dataList === undefined
      ? selectFiles(await source.list(), inputNum, where).map((file) => [file])
      : parseDataList(dataList, inputNum, where);
  const kind = commonKind(samples.flat(), where);
  checkFileCounts(samples, kind === 'npz' ? 1 : inputs.length, kind, where);
  if (kind === 'image') return imageSamples({ source, graph, samples, interpolation });
  return kind === 'npz' ? npzSamples({ source, inputs, samples }) : arraySamples({ source, inputs, samples });
}

/** An npz carries every input by name; images and npy files come one per network input. */
function checkFileCounts(samples: readonly SampleFiles[], wanted: number, kind: SampleKind, where: string): void {
  const issues = samples.flatMap((files, i) =>
    files.length === wanted
      ? []
      : [
          {
            code: 'dataset.files-per-sample',
            where: `${where}, sample ${i + 1}`,
            found: files.join(','),
            expected: `${wanted} ${kind} file(s)`,
          },
        ],
  );
  const [first] = issues;
  if (first === undefined) return;
  const hint =
    wanted === 1
      ? 'one npz holds all inputs of a sample'
      : `use npz files, or a data list of ${wanted} comma-separated files per line, in input order`;
  throw new QError(
    `A sample of this network takes ${wanted} ${kind} file(s), but ${first.where} has ${first.found}.`,
    { ...first, hint },
    { issues },
  );
}
