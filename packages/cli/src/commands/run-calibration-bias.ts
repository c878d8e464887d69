import { type BiasCorrection, type ComparedLayer, correctBiases } from '@q/calib';
import { type CalibrationTable, type Graph, planFromTables, QError } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { openSamples } from '../files/dataset-files.ts';
import { targetFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { StepLog } from './step-log.ts';

/** What biases are corrected with. */
export interface BiasBasis {
  readonly graph: Graph;
  /** As written: with seven decimals. */
  readonly table: CalibrationTable;
  readonly debug: boolean;
}

/** `--bc`: its own choice of samples, its log file, and the processor's int8 network (calibration.md 11). */
export async function runBiasCorrection(
  args: Arguments,
  terminal: Terminal,
  { graph, table, debug }: BiasBasis,
): Promise<BiasCorrection> {
  const processor = args.string('processor');
  const dataset = await openSamples(graph, {
    dataset: args.optionalString('dataset'),
    dataList: args.optionalString('data_list'),
    inputNum: args.integer('bc_inference_num'),
    hook: args.optionalString('preprocess_hook'),
  });
  const log = new StepLog('Bias_Correction');
  try {
    return await correctBiases({
      graph,
      dataset,
      sampleCount: dataset.length,
      target: targetFor(processor),
      plan: planFromTables({ processor, precision: 'INT8', calibrationTable: table }),
      expectedCos: args.real('expected_cos', isFraction, 'a number of at most 1'),
      minLayerCos: args.real('min_layer_cos', isFraction, 'a number of at most 1'),
      compared: readComparedLayers(args.optionalString('global_compare_layers')),
      acceptance: args.string('bc_accept') === 'outputs' ? 'outputs' : 'layers',
      debug,
      emit: log.listen(terminal.emit),
    });
  } finally {
    log.write();
  }
}

function isFraction(value: number): boolean {
  return value <= 1;
}

/**
 * `a,b` or `a:0.3,b:0.7` (search.md 1.2).
 *
 * @throws QError `cli.bad-flag-value` when only some carry a weight, or the weights do not add up to 1
 */
export function readComparedLayers(text: string | undefined): ComparedLayer[] {
  const items = (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const weighted = items.filter((item) => item.includes(':'));
  if (weighted.length > 0 && weighted.length < items.length)
    throw comparedError('format', text!, 'a weight for each layer');
  const layers = items.map((item): ComparedLayer => {
    const [name, rate] = item.split(':');
    return { name: name!.trim(), rate: rate === undefined ? 1 : Number(rate) };
  });
  if (weighted.length > 0 && layers.reduce((sum, { rate }) => sum + rate, 0) !== 1) {
    throw comparedError('rate', text!, 'weights that add up to 1');
  }
  return layers;
}

function comparedError(what: string, found: string, expected: string): QError {
  return new QError(`global_compare_layers ${what} error`, {
    code: 'cli.bad-flag-value',
    where: '--global_compare_layers',
    found,
    expected,
  });
}
