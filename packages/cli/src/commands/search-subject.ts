import { rememberSamples } from '@q/calib';
import type { Dataset } from '@q/dataset';
import { type CalibrationTable, type Graph, nearest, type Precision, QError, type Target, typeOf } from '@q/ir';
import { postProcessedScore, type SampleScore, signalScore, similarityScore } from '@q/search';
import type { Arguments } from '../arguments/arguments.ts';
import { openSamples } from '../files/dataset-files.ts';
import { loadPostProcess } from '../files/post-process-hook.ts';
import { floatTypeFor, targetFor } from '../processors.ts';
import { fedGraph } from './calibration-inputs.ts';
import { readComparedLayers, requireLayers } from './compared-layers.ts';

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

/** Checked and loaded in the order in which mistakes are cheapest to find. */
export async function readSearchSubject(args: Arguments, graph: Graph): Promise<SearchSubject> {
  const processor = args.string('processor');
  const floatType = floatTypeFor(processor, args.string('fp_type'));
  const target = targetFor(processor);
  const layers = readComparedLayers(args.optionalString('global_compare_layers'));
  const layerNames = layers.map(({ name }) => name);
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

/** Samples that networks are compared on; they stay in memory, because every candidate runs on all of them. */
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
  return rememberSamples(samples, { count: samples.length });
}

/**
 * A calibration table belongs to a network when it has rows for its layers. TPU-MLIR calibrates every value, so that a row
 * that is missing means another model, or other names.
 *
 * @throws QError `cli.table-of-another-model`
 */
export function requireTableOf(graph: Graph, table: CalibrationTable, path: string): void {
  const names = graph.ops.flatMap(({ outputs }) => outputs.filter((name): name is string => name !== null));
  const known = names.filter((name) => table.rows.has(name));
  if (known.length * 2 > names.length) return;
  const missing = names.find((name) => !table.rows.has(name)) ?? '';
  const similar = nearest(missing, table.rows.keys());
  throw new QError(
    `${path} is the calibration table of another model: it has rows for ${known.length} of ${names.length} layers`,
    {
      code: 'cli.table-of-another-model',
      where: path,
      found: `${table.rows.size} rows, none for ${missing}`,
      expected: `a row for each layer of ${graph.name}`,
      hint:
        similar === undefined
          ? 'run q run_calibration on this .mlir'
          : `the nearest row is ${similar}; run q run_calibration on this .mlir`,
    },
  );
}
