import { type BiasCorrection, correctBiases } from '@q/calib';
import { type CalibrationTable, type Graph, planFromTables } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { openSamples } from '../files/dataset-files.ts';
import { targetFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fedGraph } from './calibration-inputs.ts';
import { readComparedLayers } from './compared-layers.ts';
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
  const dataset = await openSamples(fedGraph(graph, args).graph, {
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
