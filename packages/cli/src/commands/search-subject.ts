import { rememberSamples } from '@q/calib';
import type { Dataset } from '@q/dataset';
import {
  type CalibrationTable,
  calibrationTableFor,
  type Graph,
  type Issue,
  namedLayers,
  nearest,
  type Precision,
  parseCalibrationTable,
  QError,
  type Target,
  typeOf,
} from '@q/ir';
import { postProcessedScore, type SampleScore, signalScore, similarityScore } from '@q/search';
import type { Arguments } from '../arguments/arguments.ts';
import { openSamples } from '../files/dataset-files.ts';
import { readInputText } from '../files/input-files.ts';
import { requireWritable } from '../files/output-files.ts';
import { loadPostProcess } from '../files/post-process-hook.ts';
import { floatTypeFor, targetFor } from '../processors.ts';
import { fedGraph } from './calibration-inputs.ts';
import { readComparedLayers, requireLayers } from './compared-layers.ts';
import { checkEffort } from './search-effort.ts';

/** What every search works on, read from the flags that they share. */
export interface SearchSubject {
  readonly graph: Graph;
  readonly target: Target;
  readonly processor: string;
  readonly floatType: Precision;
  /** Absent: the likeness of the outputs, which workers can compute, too. */
  readonly score?: SampleScore;
  /** Layers that are compared instead of the outputs. */
  readonly compared?: readonly string[];
  readonly names: SampleNames;
}

/** Files of samples, for messages about single ones; known as soon as samples are open. */
export interface SampleNames {
  filesOf: (sample: number) => readonly string[];
}

/** Flags that name files which are written when all is done. */
const OUTPUTS = ['quantize_table', 'plan', 'loss_table'];

/**
 * Checked and loaded in the order in which mistakes are cheapest to find.
 *
 * @param written a file that this search writes into the working directory, wherever the others go: a log or a table
 */
export async function readSearchSubject(args: Arguments, graph: Graph, written: string): Promise<SearchSubject> {
  checkEffort(args);
  requireWritable([...OUTPUTS.flatMap((flag) => args.optionalString(flag) ?? []), written]);
  const processor = args.string('processor');
  const floatType = floatTypeFor(processor, args.string('fp_type'));
  const target = targetFor(processor);
  const layers = readComparedLayers(args.optionalString('global_compare_layers'));
  const layerNames = namedLayers(
    graph,
    layers.map(({ name }) => name),
  );
  requireLayers(layerNames, graph, '--global_compare_layers');
  const rates = layers.map(({ rate }) => rate);
  const compared = layers.length === 0 ? undefined : layerNames;
  const isSignal = args.optionalString('benchmark_method') === 'snr';
  const isWeighted = rates.some((rate) => rate !== 1);
  const hasHook = args.optionalString('post_process') !== undefined;
  const plain = (isSignal ? signalScore : similarityScore)(compared && rates);
  const names: SampleNames = { filesOf: () => [] };
  const score = hasHook ? await withPostProcess(args, { graph, compared, names }, plain) : plain;
  const isOwn = isSignal || isWeighted || hasHook;
  return { graph, target, processor, floatType, names, ...(isOwn && { score }), ...(compared && { compared }) };
}

async function withPostProcess(
  args: Arguments,
  {
    graph,
    compared,
    names,
  }: Pick<SearchSubject, 'graph' | 'names'> & { readonly compared: readonly string[] | undefined },
  score: SampleScore,
): Promise<SampleScore> {
  const { process, where } = await loadPostProcess(args.string('post_process'));
  const tensors = (compared ?? graph.outputs).map((name) => ({ name, shape: typeOf(graph, name)!.shape }));
  return postProcessedScore(score, { process, where, tensors, filesOf: (sample) => names.filesOf(sample) });
}

/**
 * Samples that networks are compared on; they stay in memory, because every candidate runs on all of them.
 *
 * @throws QError (when a sample is read) `cli.non-finite-sample`: no network is to blame for what comes of it
 */
export async function openSearchSamples(
  args: Arguments,
  { graph, names }: Pick<SearchSubject, 'graph' | 'names'>,
  inputNum: number,
): Promise<Dataset> {
  const samples = await openSamples(fedGraph(graph, args).graph, {
    dataset: args.optionalString('dataset'),
    dataList: args.optionalString('data_list'),
    inputNum,
    hook: args.optionalString('preprocess_hook'),
  });
  names.filesOf = (sample) => samples.files(sample);
  return rememberSamples(finiteSamples(samples), { count: samples.length });
}

function finiteSamples(samples: Dataset): Dataset {
  const { kind, length, encoded } = samples;
  return {
    kind,
    length,
    files: (index) => samples.files(index),
    ...(encoded && { encoded: (index: number) => encoded.call(samples, index) }),
    async sample(index) {
      const feeds = await samples.sample(index);
      for (const [name, data] of feeds) {
        const at = data.findIndex((value) => !Number.isFinite(value));
        if (at >= 0) throw nonFiniteSample(samples.files(index).join(', '), { name, at, value: data[at]! });
      }
      return feeds;
    },
  };
}

function nonFiniteSample(where: string, { name, at, value }: { name: string; at: number; value: number }): QError {
  return new QError(`${where} holds ${value} at element ${at} of ${name}, so that networks cannot be compared on it`, {
    code: 'cli.non-finite-sample',
    where,
    found: `${value} at element ${at} of ${name}`,
    expected: 'finite numbers',
    hint: 'leave the sample out, or make it anew; of images, check --mean and --scale',
  });
}

/**
 * The table of `--calibration_table`, with the names of the network's layers.
 *
 * @throws QError `cli.missing-file`, and those of `requireTableOf`
 */
export function readTableOf(graph: Graph, path: string): CalibrationTable {
  const table = calibrationTableFor(graph, parseCalibrationTable(readInputText(path, '--calibration_table'), path));
  requireTableOf(graph, table, path);
  return table;
}

/**
 * A calibration table belongs to a network when it has rows for its layers. TPU-MLIR calibrates every value, so that a row
 * that is missing means another model, other names, or a line that is no row.
 *
 * @throws QError `cli.table-of-another-model`; `cali-table.row`: rows are missing, and lines were not understood: all of these
 */
export function requireTableOf(graph: Graph, table: CalibrationTable, path: string): void {
  const names = graph.ops.flatMap(({ outputs }) => outputs.filter((name): name is string => name !== null));
  const missing = names.filter((name) => !table.rows.has(name));
  const known = names.length - missing.length;
  const damaged = table.warnings.filter(({ code }) => code === 'cali-table.row');
  if (known * 2 > names.length) {
    if (missing.length > 0 && damaged.length > 0) throw damagedTable(missing, damaged, path);
    return;
  }
  const first = missing[0] ?? '';
  const similar = nearest(first, table.rows.keys());
  throw new QError(
    `${path} is the calibration table of another model: it has rows for ${known} of ${names.length} layers`,
    {
      code: 'cli.table-of-another-model',
      where: path,
      found: `${table.rows.size} rows, none for ${first}`,
      expected: `a row for each layer of ${graph.name}`,
      hint:
        similar === undefined
          ? 'run q run_calibration on this .mlir'
          : `the nearest row is ${similar}; run q run_calibration on this .mlir`,
    },
  );
}

function damagedTable(missing: readonly string[], damaged: readonly Issue[], path: string): QError {
  const lines = damaged.length === 1 ? 'a line that is no row' : `${damaged.length} lines that are no rows`;
  const rows = missing.length === 1 ? `the row of ${missing[0]}` : `the rows of ${missing.length} layers`;
  return new QError(
    `${path} has ${lines} and lacks ${rows}`,
    { ...damaged[0]!, hint: 'mend the table, or run q run_calibration again' },
    { issues: damaged },
  );
}
