import { TopKCounter } from '@q/evaluate';
import { type Graph, QError, typeOf } from '@q/ir';
import type { EvaluationTask } from './evaluate-task.ts';

export interface ClassLabels {
  /** Class index per sample. */
  readonly classes: readonly number[];
  /** File that they come from, for messages. */
  readonly where: string;
  /** Number of lines of `--category_file`. */
  readonly categories?: number | undefined;
}

/** Top-1 and top-5 of the first output. */
export function classificationTask({ classes, where, categories }: ClassLabels): EvaluationTask {
  return {
    harness: 'topk',
    counter(network) {
      checkClassCount(network, { classes, where, categories });
      const counter = new TopKCounter();
      return {
        add: (sample, outputs) => counter.add(outputs[0]!.data, classes[sample]!),
        result() {
          const { top1, top5 } = counter.result();
          return [
            { name: 'top1', value: top1, unit: 'fraction' },
            { name: 'top5', value: top5, unit: 'fraction' },
          ];
        },
      };
    },
  };
}

function checkClassCount(network: Graph, { classes, where, categories }: ClassLabels): void {
  const name = network.outputs[0]!;
  const scores = typeOf(network, name)!.shape.reduce((product, dim) => product * dim, 1);
  const largest = Math.max(...classes);
  if (largest >= scores) {
    throw new QError(`${where} has class ${largest}, but output ${name} of ${network.name} has ${scores} scores`, {
      code: 'cli.class-count',
      where: name,
      found: `${scores} scores`,
      expected: `more than ${largest}`,
      hint: 'labels of another network, or an output that is no classifier (see --output_names)',
    });
  }
  if (categories !== undefined && categories !== scores) {
    throw new QError(
      `--category_file has ${categories} lines, but output ${name} of ${network.name} has ${scores} scores`,
      {
        code: 'cli.class-count',
        where: name,
        found: `${scores} scores`,
        expected: `${categories}, one per line of --category_file`,
      },
    );
  }
}
