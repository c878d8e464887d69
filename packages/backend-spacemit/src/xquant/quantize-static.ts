import { type Emit, type Graph, type Op, QError } from '@q/ir';
import type { Int8Parameters } from '../parameters.ts';
import { analyse, type TensorReport } from './analyse/analyse.ts';
import { largestContributors } from './analyse/contributors.ts';
import { MARKED_COSINE, type ReportSummary } from './analyse/report.ts';
import { warnAboutCollapse } from './analyse/score-collapse.ts';
import { type ObserverSettings, observeRanges } from './calibrate/observe.ts';
import { rangeLimits } from './calibrate/range-limits.ts';
import type { SearchWorkers } from './calibrate/search-ranges.ts';
import { type ChosenOps, chooseOps, onnxTypesOf } from './capture/choose-ops.ts';
import { type Captured, captureSubgraphs } from './capture/custom-settings.ts';
import { truncate } from './capture/truncate.ts';
import { STEP_LIMITS } from './config/parse-config.ts';
import type { FinetuneLevel, XquantConfig } from './config/settings.ts';
import { type CalibrationData, remembered } from './data/calibration-data.ts';
import { openCalibrationData } from './data/load-data.ts';
import { logLine } from './log/log-line.ts';
import { nearestTensor, type PreparedModel, tensorOf, valueNamed } from './prepare/read-model.ts';
import {
  codedIn,
  parametersOfRanges,
  type StaticModel,
  valuesWithCodes,
  withPairs,
  withQuantizedConstants,
} from './static-model.ts';
import { correctBiases } from './tune/correct-biases.ts';
import { equalize } from './tune/equalize.ts';
import { type LearningRequest, learnSteps, withScales } from './tune/learned-steps.ts';
import type { XquantOptions } from './xquant-options.ts';

export interface StaticResult {
  readonly graph: Graph;
  readonly summary: Omit<ReportSummary, 'warnings'>;
  readonly rows: readonly TensorReport[] | undefined;
}

type StaticOptions = XquantOptions & { readonly emit: Emit };

/** Levels 0, 1 and 2 (spacemit.md 5): the order of the original, pass by pass. */
export async function quantizeStatically(
  prepared: PreparedModel,
  config: XquantConfig,
  options: StaticOptions,
): Promise<StaticResult> {
  const { emit } = options;
  checkSteps(config);
  const truncation = truncate(prepared.graph, config.quantization.truncateVarNames);
  const data = remembered(options.data ?? (await openData(prepared.graph, config, options)));
  const graph = await equalize(prepared.graph, {
    data,
    seed: config.extensions.seed,
    level: config.quantization.finetuneLevel,
    limit: truncation?.head,
    emit,
  });
  const captured = captureSubgraphs(graph, config.quantization.customSettings, {
    strict: config.extensions.strict,
    emit,
  });
  for (const { ops } of captured)
    for (const op of ops)
      logLine(emit, 'optimizer.refine', `set custom tqc for operation: ${prepared.nodeNames.get(op.name) ?? op.name}`);
  const renewed = truncation && truncate(graph, config.quantization.truncateVarNames);
  const choice = {
    config,
    nodeNames: prepared.nodeNames,
    nodeTypes: prepared.nodeTypes,
    captured,
    truncation: renewed,
    emit,
  };
  const { chosen, reasons } = chooseOps(graph, choice);
  const { gemmWeight, biasFormat } = config.extensions;
  const floatValues = floatOutputs(graph, config);
  const model: StaticModel = { graph, chosen, settings: { gemmWeight, biasFormat, floatValues } };
  const parameters = await calibrate(model, config, { captured, data, workers: options, emit });
  const { seed, biasCorrection } = config.extensions;
  const level = config.quantization.finetuneLevel;
  const corrected =
    level >= 1
      ? { ...model, graph: await correctBiases({ model, parameters, data, mode: biasCorrection, emit }) }
      : model;
  const tuned =
    level >= 2
      ? await learned({ model: corrected, reference: graph, parameters, data, blocks: LSQ_BLOCKS[level], seed, emit })
      : { model: corrected, parameters };
  const quantized = withPairs(tuned.model, tuned.parameters);
  const names = {
    node: (op: Op) => prepared.nodeNames.get(op.name) ?? op.name,
    type: (op: Op) => onnxTypesOf(op, prepared.nodeTypes)[0]!,
    tensor: (value: string) => tensorOf(graph, value),
  };
  await warnAboutCollapse({ graph, coded: codedIn(tuned.model, tuned.parameters), data, emit });
  const summary = summarize(graph, { chosen, reasons }, names);
  if (!config.quantization.analysisEnable) return { graph: quantized, rows: undefined, summary };
  const analysis = await attempt(() => analyse({ graph, quantized, chosen, data, seed, names, emit }), emit);
  if (analysis === undefined) return { graph: quantized, rows: undefined, summary };
  const { rows, outputs, batches } = analysis;
  const bad = graph.outputs.filter((_, o) => outputs[o]!.cosine < MARKED_COSINE);
  const looked = bad.length > 0 ? bad : graph.outputs;
  const found = await attempt(
    () => largestContributors({ float: graph, ...tuned, data, batches, outputs: looked, emit }),
    emit,
  );
  const contributors = (found ?? []).map(({ op, lost, share }) => ({ layer: names.node(op), lost, share }));
  const layersToBlame = bad.length > 0 ? contributors : [];
  return { graph: quantized, rows, summary: { ...summary, outputErrors: outputs, contributors, layersToBlame } };
}

/** An analysis that fails costs the report, not the model. */
async function attempt<T>(work: () => Promise<T>, emit: Emit): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `quantize analysis failed and skiped. (${reason})`;
    emit({ type: 'warning', code: 'xquant.analysis.failed', message });
    return undefined;
  }
}

/** Blocks that learn their steps (spacemit.md 9.2). */
const LSQ_BLOCKS: Readonly<Record<FinetuneLevel, number>> = { 0: 0, 1: 0, 2: 5, 3: 10 };

/** A model and the codes of its activations. */
interface Tuned {
  readonly model: StaticModel;
  readonly parameters: ReadonlyMap<string, Int8Parameters>;
}

async function learned(request: LearningRequest): Promise<Tuned> {
  const { graph, parameters, filterScales } = await learnSteps(request);
  const settings = { ...request.model.settings, constantOf: withScales(graph.weights, filterScales) };
  return { model: { ...request.model, graph, settings }, parameters };
}

function checkSteps({ calibration: { step } }: XquantConfig): void {
  const [least, most] = STEP_LIMITS;
  if (step >= least && step <= most) return;
  const text = step < least ? 'Insufficient Calibration Detected' : 'Calibration steps is too large';
  throw new QError(`${text}, calibration_step is ${step}; static quantization takes ${least} to ${most} batches.`, {
    code: 'xquant.config.step',
    where: 'calibration_parameters.calibration_step',
    found: String(step),
    expected: `${least} to ${most}`,
    hint: 'the number itself is tested, not the number of files: 100 is fine with 30 files',
  });
}

async function openData(
  graph: Graph,
  config: XquantConfig,
  { sources, emit }: StaticOptions,
): Promise<CalibrationData> {
  const needsFiles = config.calibration.inputs?.some(({ dataListPath }) => dataListPath !== undefined) === true;
  if (sources === undefined && needsFiles) {
    throw new QError('The configuration names calibration files, but there is nothing to read them from.', {
      code: 'xquant.data.sources',
      where: 'options.sources',
      expected: 'sources, or data',
    });
  }
  const none = { readList: async () => undefined, read: async () => new Uint8Array() };
  return openCalibrationData(graph, config, sources ?? none, emit);
}

function floatOutputs(graph: Graph, { extensions }: XquantConfig): ReadonlySet<string> {
  const { floatOutputs: wanted } = extensions;
  if (typeof wanted === 'boolean') return new Set(wanted ? graph.outputs : []);
  return new Set(wanted.map((name) => knownValue(graph, name, 'q_parameters.floatOutputs')));
}

function knownValue(graph: Graph, name: string, where: string): string {
  const value = valueNamed(graph, name);
  if (value !== undefined) return value;
  const suggestion = nearestTensor(graph, name);
  throw new QError(`var name ${name} not in the graph.`, {
    code: 'xquant.capture.unknown',
    where,
    found: name,
    expected: 'a tensor of the simplified graph',
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

interface CalibrationContext {
  readonly captured: readonly Captured[];
  readonly data: CalibrationData;
  readonly workers: SearchWorkers;
  readonly emit: Emit;
}

/** Codes of every activation that needs some. */
async function calibrate(
  model: StaticModel,
  config: XquantConfig,
  { captured, data, workers, emit }: CalibrationContext,
): Promise<Map<string, Int8Parameters>> {
  const fixed = new Map(
    [...config.extensions.ranges].map(([name, [min, max]]) => [
      knownValue(model.graph, name, 'q_parameters.ranges'),
      { min, max },
    ]),
  );
  const limits = rangeLimits(model.graph);
  const values = new Map<string, ObserverSettings>();
  for (const name of valuesWithCodes(model)) {
    if (fixed.has(name)) continue;
    const own = limits.get(name);
    values.set(name, { ...observerOf(name, config, captured), ...(own === undefined ? {} : { limits: own }) });
  }
  const { klMode, maxSeconds } = config.extensions;
  const settings = { values, data, klMode, workers, emit, ...(maxSeconds === undefined ? {} : { maxSeconds }) };
  const ranges = await observeRanges({ graph: withQuantizedConstants(model), ...settings });
  return parametersOfRanges(new Map([...ranges, ...fixed]));
}

/** The configured observer, or that of the last custom setting whose operators read or make the value. */
function observerOf(value: string, config: XquantConfig, captured: readonly Captured[]): ObserverSettings {
  const { maxPercentile } = config.quantization;
  let settings: ObserverSettings = {
    type: config.calibration.type,
    isPooled: config.extensions.percentileMode === 'pooled',
    ...(maxPercentile === undefined ? {} : { percentile: maxPercentile }),
  };
  for (const { setting, ops } of captured) {
    if (![...ops].some((op) => op.inputs.includes(value) || op.outputs.includes(value))) continue;
    settings = {
      ...settings,
      ...(setting.calibrationType === undefined ? {} : { type: setting.calibrationType }),
      ...(setting.maxPercentile === undefined ? {} : { percentile: setting.maxPercentile }),
    };
  }
  return settings;
}

function summarize(
  graph: Graph,
  { chosen, reasons }: ChosenOps,
  names: { node(op: Op): string; tensor(value: string): string },
): StaticResult['summary'] {
  const floatOps: Record<string, string[]> = {};
  for (const [op, reason] of reasons) {
    if (op.type === 'top.Input') continue;
    floatOps[reason] = [...(floatOps[reason] ?? []), names.node(op)];
  }
  const outputs = graph.outputs.map((name) => names.tensor(name));
  const totalOps = graph.ops.filter(({ type }) => type !== 'top.Input').length;
  return {
    model: graph.name,
    quantizedOps: chosen.size,
    totalOps,
    floatOps,
    outputs,
    outputErrors: [],
    contributors: [],
    layersToBlame: [],
  };
}
