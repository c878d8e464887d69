import { basename, extname } from 'node:path';
import {
  type Graph,
  isQError,
  parseCalibrationTable,
  parsePrecision,
  parseQuantizeTable,
  planFromTables,
  QError,
} from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { readInputText } from '../files/input-files.ts';
import { loadModel, nameOfModelFile, requireModelData } from '../files/model-files.ts';
import { targetFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openModel } from './open-model.ts';
import { readPreprocess } from './preprocess-flags.ts';

export interface EvaluatedNetwork {
  /** What its row is called. */
  readonly name: string;
  readonly graph: Graph;
}

/**
 * The models given, and the first of them lowered for every `--processor` by every `--calibration_table`. Of several lowered
 * networks, those that a backend refuses are left out with a warning; a single one fails.
 */
export function readNetworks(args: Arguments, models: readonly NamedModel[], terminal: Terminal): EvaluatedNetwork[] {
  const networks = models.map(({ name, path }) => ({ name, graph: readModel(args, path, terminal) }));
  const tables = args.list('calibration_table');
  const wanted = args
    .list('processor')
    .flatMap((processor) =>
      (tables.length === 0 ? [undefined] : tables).map((table) => ({ processor: processor.toLowerCase(), table })),
    );
  const lowered: EvaluatedNetwork[] = [];
  for (const { processor, table } of wanted) {
    const name = [
      processor,
      args.string('quantize').toUpperCase(),
      ...(tables.length > 1 ? [basename(table!)] : []),
    ].join(' ');
    try {
      lowered.push({ name, graph: lower(args, networks[0]!.graph, { processor, table }, terminal) });
    } catch (error) {
      if (wanted.length === 1 || !isQError(error)) throw error;
      terminal.emit({ type: 'warning', code: error.code, message: error.message, where: name });
    }
  }
  return [...networks, ...lowered];
}

export interface NamedModel {
  readonly name: string;
  readonly path: string;
}

/** A model to run, of any format; preprocessing flags are for those that do not carry their own. */
export function readModel(args: Arguments, path: string, terminal: Terminal): Graph {
  const kind = extname(path).toLowerCase();
  if (!['.onnx', '.mlir', '.prototxt'].includes(kind)) return openModel(path, { emit: terminal.emit });
  const options = {
    name: nameOfModelFile(path),
    inputShapes: args.shapes('input_shapes'),
    outputNames: args.list('output_names'),
    modelData: args.optionalString('model_data'),
    preprocess: kind === '.mlir' ? undefined : readPreprocess(args),
    emit: terminal.emit,
  };
  requireModelData(path, options);
  return loadModel(path, 'model', options);
}

interface Lowering {
  readonly processor: string;
  /** Path of the calibration table. */
  readonly table: string | undefined;
}

function lower(args: Arguments, graph: Graph, { processor, table: calibration }: Lowering, terminal: Terminal): Graph {
  const word = args.string('quantize');
  const precision = parsePrecision(word.toUpperCase());
  if (precision === undefined) {
    throw new QError(`--quantize ${word} is not supported`, {
      code: 'cli.bad-flag-value',
      where: '--quantize',
      found: word,
      expected: 'INT8, F16, BF16 or F32',
    });
  }
  if (precision === 'INT8' && calibration === undefined) {
    throw new QError(`--processor ${processor} in INT8 needs --calibration_table`, {
      code: 'cli.missing-flag',
      where: '--calibration_table',
      expected: 'the table that q run_calibration wrote',
    });
  }
  const table = args.optionalString('quantize_table');
  const plan = planFromTables({
    graph,
    processor,
    precision,
    asymmetric: args.flag('asymmetric'),
    ...(calibration === undefined
      ? {}
      : { calibrationTable: parseCalibrationTable(readInputText(calibration, '--calibration_table'), calibration) }),
    ...(table === undefined
      ? {}
      : {
          quantizeTable: parseQuantizeTable(readInputText(table, '--quantize_table'), table),
          quantizeTableName: table,
        }),
  });
  return targetFor(processor).lower(graph, plan, terminal.emit);
}
