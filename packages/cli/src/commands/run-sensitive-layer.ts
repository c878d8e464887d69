import { type CalibrationTable, type Graph, printCalibrationTable, QError } from '@q/ir';
import {
  int8PlanOf,
  printMixedTable,
  runSensitiveLayer,
  type SensitiveLayerOutcome,
  sensitiveLayerReport,
} from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { openSamples } from '../files/dataset-files.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { workerCount } from './calibration-flags.ts';
import { readDebugCommand } from './run-calibration-debug.ts';
import { closing, declareEffortFlags, readEffort } from './search-effort.ts';
import { declareTableSearchFlags, readLikeness } from './search-flags.ts';
import {
  declareGoalFlags,
  GoalSearch,
  type ReachedGoal,
  reachGoal,
  readFloatLayerLimit,
  withGoalLines,
} from './search-goals.ts';
import { SearchLog } from './search-log.ts';
import {
  calibrateMethods,
  methodThresholds,
  readMethodList,
  type SearchedMethod,
  tableText,
  untunedRows,
  withNewThresholds,
} from './search-methods.ts';
import { lossReasons, planFile, withReasons } from './search-plan.ts';
import { openSearchSamples, readSearchSubject, readTableOf } from './search-subject.ts';

/** Tried in this order (search.md 9). */
const NEW_TABLE = 'new_cali_table.txt';
const METHODS = ['MAX', 'Percentile9999', 'KL'];

function declare(parser: ArgumentParser): void {
  declareTableSearchFlags(parser);
  parser.add_argument('--inference_num', {
    type: 'int',
    default: 10,
    help: 'samples that networks are compared on (default: 10)',
  });
  parser.add_argument('--max_float_layers', { type: 'int', default: 5, help: 'layers to put into float (default: 5)' });
  parser.add_argument('--tune_list', { default: '', help: 'samples of the threshold tuner: a list like --data_list' });
  parser.add_argument('--tune_num', { type: 'int', default: 5, help: 'samples of the threshold tuner (default: 5)' });
  parser.add_argument('--histogram_bin_num', {
    type: 'int',
    default: 2048,
    help: 'bins of the KL histogram (default: 2048)',
  });
  parser.add_argument('--cali_method', {
    default: 'use_kl',
    help: 'accepted; MAX, Percentile9999 and KL are tried always',
  });
  parser.add_argument('--post_process', {
    default: '',
    help: 'ES module that exports PostProcess(outputs); for x.py, x.mjs beside it',
  });
  declareEffortFlags(parser);
  declareGoalFlags(parser);
  parser.add_argument('--workers', { type: 'int', default: 0, help: 'worker threads (default: 0 = one per core)' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const expectedCos = readLikeness(args, 'expected_cos');
  const maxFloatLayers = args.integer('max_float_layers');
  const inferenceNum = args.integer('inference_num', 1);
  args.integer('input_num', 1);
  readDebugCommand(args.optionalString('debug_cmd') ?? '');
  const mlirFile = args.string('mlir_file');
  const graph = loadMlir(mlirFile, 'mlir_file');
  const subject = await readSearchSubject(args, graph, NEW_TABLE);
  const table = readTableOf(graph, args.string('calibration_table'));
  const samples = await openSearchSamples(args, subject, inferenceNum);
  const log = new SearchLog(terminal, 'SensitiveLayerSearcher', 'SensitiveLayerSearch');
  const goals = await GoalSearch.read(args, { ...subject, samples });
  if (goals === undefined && readFloatLayerLimit(args).floatLayerLimit !== undefined) throw limitWithoutGoal();
  const reached = await goals?.sufficientLine(int8PlanOf({ processor: subject.processor, values: table.rows }));
  if (reached !== undefined) {
    log.write([{ text: reached, shown: true }]);
    return exitStatus.ok;
  }
  const methods = await calibrateAll(args, graph, terminal);
  const effort = readEffort(args, terminal);
  const search = { ...subject, ...effort.options, values: table.rows, samples, maxFloatLayers };
  const tried = { methods: methods.map(methodThresholds), expectedCos: goals?.expectedCos ?? expectedCos };
  const { found, goal } = await closing(
    effort,
    reachGoal(runSensitiveLayer({ ...search, ...tried }), goals, {
      journal: effort.options.journal,
      rankedOf: (outcome) => ({ ...(outcome as Searched), plan: { ...(outcome as Searched).plan, ops: new Map() } }),
    }),
  );
  const outcome = withGoalSet(found, goal);
  const quantizeTable = args.string('quantize_table');
  const facts = { graph, mlirFile, expectedCos, maxFloatLayers, quantizeTable, compared: subject.compared };
  const report = withGoalLines(sensitiveLayerReport(outcome, facts), goal);
  if (outcome.kind === 'sufficient') {
    log.write(report);
    return exitStatus.ok;
  }
  writeTables(args, outcome, { graph, samples: samples.length, table, methods, goal });
  log.write([...report, log.timeLine()]);
  terminal.print('success sensitive layer search');
  return exitStatus.ok;
}

/** Without a goal, --max_float_layers says how many there are. */
function limitWithoutGoal(): QError {
  return new QError('--float_layer_limit needs a goal: --smallest, --expected_sqnr, --expected_metric or --pareto', {
    code: 'cli.contradicting-flags',
    where: '--float_layer_limit',
    hint: '--max_float_layers is how many layers are put into float',
  });
}

/** Two-pass statistics of all samples, and the tuner (search.md 9). */
async function calibrateAll(args: Arguments, graph: Graph, terminal: Terminal): Promise<SearchedMethod[]> {
  const [dataset, dataList] = [args.optionalString('dataset'), args.optionalString('data_list')];
  const samples = await openSamples(graph, { dataset, dataList, inputNum: args.integer('input_num', 1) });
  const tuneList = args.optionalString('tune_list');
  const tuneNum = args.integer('tune_num');
  const tuneDataset =
    tuneList === undefined
      ? undefined
      : await openSamples(graph, { dataList: tuneList, inputNum: tuneNum, listFlag: '--tune_list' });
  return calibrateMethods(graph, samples, readMethodList(METHODS), {
    profile: '2023',
    histogramBins: args.integer('histogram_bin_num', 128),
    tuneNum: tuneDataset?.length ?? tuneNum,
    ...(tuneDataset === undefined ? {} : { tuneDataset }),
    workers: workerCount(args),
    emit: terminal.emit,
  });
}

interface Written {
  readonly graph: Graph;
  /** Samples that networks were compared on. */
  readonly samples: number;
  /** The calibration table that was given. */
  readonly table: CalibrationTable;
  readonly methods: readonly SearchedMethod[];
  readonly goal: ReachedGoal | undefined;
}

/** The outcome with the float set that meets the goal. */
function withGoalSet(found: SensitiveLayerOutcome, goal: ReachedGoal | undefined): SensitiveLayerOutcome {
  if (found.kind === 'sufficient' || goal?.set === undefined) return found;
  const { floatLayers, score: mixedScore } = goal.set;
  const { floatType, ranking, plan } = found;
  const reasons = lossReasons(ranking.map(({ layer, best }) => [layer, best.loss]));
  const int8 = { ...(goal.plan ?? plan), ops: new Map() };
  return { ...found, floatLayers, mixedScore, plan: withReasons(int8, floatLayers, { floatType, reasons }) };
}

type Searched = Extract<SensitiveLayerOutcome, { kind: 'searched' }>;

function writeTables(
  args: Arguments,
  outcome: Searched,
  { graph, samples, table: given, methods, goal }: Written,
): void {
  const { floatLayers, floatType, plan, layers } = outcome;
  const searched = new Set(layers.map(({ layer }) => layer));
  const thresholdOf = (name: string): number | undefined =>
    searched.has(name) ? plan.values.get(name)?.threshold : undefined;
  const table = { samples, processor: args.string('processor'), mode: floatType, layers: floatLayers };
  writeFilesWhole([
    ...methods.flatMap((method) => methodFiles(args, method)),
    { path: NEW_TABLE, bytes: withNewThresholds(printCalibrationTable(given), thresholdOf) },
    { path: args.string('quantize_table'), bytes: printMixedTable({ ...table, time: generationTime() }) },
    planFile(args, { graph, plan, ...(goal && { goal }) }),
    ...(goal?.files ?? []),
  ]);
}

/** `<table>_KL.1` and `<table>_KL_tune`. */
function methodFiles(args: Arguments, method: SearchedMethod): { path: string; bytes: string }[] {
  const path = `${args.string('calibration_table')}_${method.spelled}`;
  const { sampleCount: samples, table } = method.calibration;
  const header = {
    era: '2023',
    time: generationTime(),
    histogramBins: args.integer('histogram_bin_num', 128),
    samples,
  } as const;
  const untuned = { path: `${path}.1`, bytes: tableText(method, untunedRows(method), header) };
  const tuned = args.integer('tune_num');
  return tuned === 0
    ? [untuned]
    : [untuned, { path: `${path}_tune`, bytes: tableText(method, table.rows, { ...header, tuned }) }];
}

export const runSensitiveLayerCommand: CommandBody = { declare, run };
