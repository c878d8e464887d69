import { type Dataset, labelOf, readLabels } from '@q/dataset';
import { type Graph, QError } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { openSamples } from '../files/dataset-files.ts';
import { readInputText } from '../files/input-files.ts';

/** What networks are compared on. */
export interface EvaluationSamples {
  readonly dataset: Dataset;
  /** Class index per sample; absent without `--labels`. */
  readonly classes?: readonly number[];
}

/** The samples of `--evaluation` (else the calibration samples), at most `--limit`, with the classes of `--labels`. */
export async function readEvaluationSamples(args: Arguments, graph: Graph): Promise<EvaluationSamples> {
  const evaluation = args.optionalString('evaluation');
  const dataset = await openSamples(graph, {
    dataset: evaluation ?? args.optionalString('dataset'),
    dataList: evaluation === undefined ? args.optionalString('data_list') : undefined,
    inputNum: args.integer('limit') || (evaluation === undefined ? args.integer('input_num') : 0),
    flag: evaluation === undefined ? '--dataset' : '--evaluation',
  });
  const labelPath = args.optionalString('labels');
  if (labelPath === undefined) return { dataset };
  return { dataset, classes: classesOf(dataset, labelPath) };
}

function classesOf(dataset: Dataset, labelPath: string): number[] {
  const labels = readLabels(readInputText(labelPath, '--labels'), labelPath);
  const unlabelled: string[] = [];
  const classes = Array.from({ length: dataset.length }, (_, sample) => {
    const file = dataset.files(sample)[0]!;
    const index = labelOf(labels, file);
    if (index === undefined) unlabelled.push(file);
    return index ?? -1;
  });
  if (unlabelled.length === 0) return classes;
  throw new QError(`${labelPath} has no label for ${unlabelled.length} of ${dataset.length} samples`, {
    code: 'cli.unlabelled-samples',
    where: labelPath,
    found: unlabelled.slice(0, 5).join(', '),
    expected: 'one row per sample',
    hint: 'are these the labels of another data set?',
  });
}
