import type { CalibrationOptions } from '@q/calib';
import type { Dataset } from '@q/dataset';
import {
  type CalibrationHeader,
  type CalibrationTable,
  type Graph,
  type Plan,
  parseCalibrationTable,
  QError,
} from '@q/ir';
import {
  int8PlanOf,
  printMixedTable,
  type SearchQtableOutcome,
  searchedLayers,
  searchQtable,
  searchQtableReport,
  searchThreshold,
  searchThresholdReport,
  writtenTrial,
} from '@q/search';
import type { Arguments } from '../arguments/arguments.ts';
import { exitStatus } from '../command.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { compatibleVersion } from '../version.ts';
import { closing, readEffort } from './search-effort.ts';
import { readLikeness } from './search-flags.ts';
import { GoalSearch, type ReachedGoal, reachGoal, readFloatLayerLimit, withGoalLines } from './search-goals.ts';
import { SearchLog } from './search-log.ts';
import {
  calibrateMethods,
  type MethodChoice,
  methodThresholds,
  readMethodList,
  type SearchedMethod,
  tableText,
  untunedRows,
  withNewThresholds,
} from './search-methods.ts';
import { lossReasons, planFile, withReasons } from './search-plan.ts';
import { openSearchSamples, readSearchSubject, type SearchSubject } from './search-subject.ts';

/** What run_calibration hands over to a search. */
export interface CalibrationSearch {
  readonly args: Arguments;
  readonly terminal: Terminal;
  readonly graph: Graph;
  /** As the user gave it. */
  readonly mlirFile: string;
  /** Calibration samples. */
  readonly samples: Dataset;
  /** How each method is calibrated. */
  readonly options: CalibrationOptions;
}

/** Its percentiles are of magnitudes, as those of 2023 (calibration.md 6.4). */
const THRESHOLD_METHODS: readonly MethodChoice[] = [
  { spelled: 'KL', method: 'kl' },
  { spelled: 'MAX', method: 'max' },
  { spelled: 'Percentile9999', method: 'percentile9999', profile: '2023' },
  { spelled: 'MSE', method: 'mse' },
];
export const NEW_TABLE = 'new_cali_table.txt';
/** The log of searches of layers. */
export const SEARCH_LOG = 'Search_Qtable';

/** `--search search_threshold` (search.md 4); answers the best method's table. */
export async function searchThresholdTables(search: CalibrationSearch): Promise<CalibrationTable> {
  const { args, terminal, graph, mlirFile } = search;
  const subject = await readSearchSubject(args, graph, NEW_TABLE);
  const [inputNum, inferenceNum] = [args.integer('input_num'), args.integer('inference_num', 1)];
  const samples = await openSearchSamples(args, subject, Math.min(inputNum, inferenceNum));
  const log = new SearchLog(terminal, 'Search_Threshold');
  const methods = await calibrateMethods(graph, search.samples, THRESHOLD_METHODS, search.options);
  const files = methods.map((method) => thresholdFiles(search, method));
  const tables = files.map(({ text }, index) => ({
    method: methods[index]!.spelled,
    values: parseCalibrationTable(text).rows,
  }));
  const outcome = await searchThreshold({ ...subject, tables, samples, emit: terminal.emit });
  const best = files[tables.indexOf(tables.find(({ method }) => method === outcome.best.method)!)]!.text;
  writeFilesWhole([
    ...files.flatMap((file) => file.files),
    // The original leaves what it tried last, not the best.
    { path: NEW_TABLE, bytes: files.at(-1)!.text },
    { path: args.string('calibration_table'), bytes: best },
  ]);
  const benchmark = args.string('benchmark_method') === 'snr' ? 'snr' : 'cos';
  log.write(searchThresholdReport(outcome, { mlirFile, benchmark }));
  return parseCalibrationTable(best);
}

interface MethodFiles {
  /** The table that the search tries. */
  readonly text: string;
  readonly files: readonly { readonly path: string; readonly bytes: string }[];
}

/** `<table>_MAX.1`, and for KL `<table>_KL_tune`: the only one that is tuned (search.md 4.1). */
function thresholdFiles({ args, mlirFile, options }: CalibrationSearch, method: SearchedMethod): MethodFiles {
  const path = `${args.string('calibration_table')}_${method.spelled}`;
  const header = { ...headerFor(mlirFile, options, method), method: method.spelled };
  const untuned = tableText(method, untunedRows(method), header);
  const first = { path: `${path}.1`, bytes: untuned };
  const tuned = options.tuneNum ?? 0;
  if (method.spelled !== 'KL' || tuned === 0) return { text: untuned, files: [first] };
  const text = tableText(method, method.calibration.table.rows, { ...header, tuned });
  return { text, files: [first, { path: `${path}_tune`, bytes: text }] };
}

function headerFor(mlirFile: string, options: CalibrationOptions, { calibration }: SearchedMethod): CalibrationHeader {
  const { sampleCount: samples } = calibration;
  return {
    era: 'V1.9',
    time: generationTime(),
    version: compatibleVersion,
    mlirFile,
    histogramBins: options.histogramBins ?? 2048,
    samples,
  };
}

/** `--search search_qtable` (search.md 5); answers the exit status. */
export async function searchQtableTables(search: CalibrationSearch): Promise<number> {
  const { args, terminal, graph, mlirFile } = search;
  const quantizeTable = requireQuantizeTable(args);
  const expectedCos = readLikeness(args, 'expected_cos');
  const maxFloatLayers = args.integer('max_float_layers');
  const methodList = readMethodList(args.list('quantize_method_list'));
  const subject = await readSearchSubject(args, graph, NEW_TABLE);
  const samples = await openSearchSamples(args, subject, args.integer('inference_num', 1));
  const log = new SearchLog(terminal, SEARCH_LOG);
  const methods = await calibrateMethods(graph, search.samples, methodList, search.options);
  const base = writeMethodTables(search, methods);
  const values = parseCalibrationTable(base).rows;
  const transformer = args.string('transformer');
  const goals = await GoalSearch.read(args, { ...subject, samples });
  const reached = await goals?.sufficientLine(int8PlanOf({ processor: subject.processor, values }));
  if (reached !== undefined) {
    log.write([{ text: reached, shown: true }]);
    return exitStatus.ok;
  }
  const effort = readEffort(args, terminal);
  const options = { ...subject, ...effort.options, ...readFloatLayerLimit(args), values, samples, maxFloatLayers };
  const tried = {
    methods: methods.map(methodThresholds),
    isTransformer: transformer === 'True',
    expectedCos: goals?.expectedCos ?? expectedCos,
  };
  const { found, goal } = await closing(
    effort,
    reachGoal(searchQtable({ ...options, ...tried }), goals, {
      journal: effort.options.journal,
      rankedOf: (outcome) => outcome as Searched,
    }),
  );
  const outcome = withGoalSet(found, goal);
  const facts = {
    graph,
    mlirFile,
    expectedCos,
    quantizeTable,
    compared: subject.compared,
    methods: methodList.map(({ spelled }) => spelled),
    transformer,
    layerCount: layerCount(subject, values),
  };
  const report = withGoalLines(searchQtableReport(outcome, facts), goal);
  if (outcome.kind === 'sufficient') {
    log.write(report);
    return exitStatus.ok;
  }
  writeFound(args, outcome, { graph, samples: samples.length, base, goal });
  log.write([...report, log.timeLine()]);
  terminal.print('success search qtable');
  return exitStatus.ok;
}

/** Searches write a quantize table; where to, they cannot guess. */
export function requireQuantizeTable(args: Arguments): string {
  const path = args.optionalString('quantize_table');
  if (path !== undefined) return path;
  throw new QError(`--search ${args.string('search')} needs --quantize_table`, {
    code: 'cli.missing-flag',
    where: '--quantize_table',
    expected: 'the quantize table to write',
  });
}

/** Layers that the lowered network has by the same name: the log counts them. */
export function layerCount(
  { graph, target, processor }: Pick<SearchSubject, 'graph' | 'target' | 'processor'>,
  values: CalibrationTable['rows'],
): number {
  const plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values } as const;
  return searchedLayers(graph, target.lower(graph, plan)).length;
}

/**
 * `<table>_KL.1` and `<table>_KL_tune` of every method, and the table itself: that of MSE, or of the first method. Shares of a
 * method's thresholds (`KL:0.5`) have no tables of their own.
 *
 * @returns the text of the table
 */
export function writeMethodTables(
  { args, mlirFile, options }: CalibrationSearch,
  methods: readonly SearchedMethod[],
): string {
  const target = args.string('calibration_table');
  const tuned = options.tuneNum ?? 0;
  const own = methods.filter(({ share }) => share === undefined);
  const tables = own.map((method) => {
    const header = { ...headerFor(mlirFile, options, method), timeLine: 'genertated' } as const;
    const path = `${target}_${method.spelled}`;
    const untuned = { path: `${path}.1`, bytes: tableText(method, untunedRows(method), header) };
    if (tuned === 0) return { text: untuned.bytes, files: [untuned] };
    const text = narrowTitle(tableText(method, method.calibration.table.rows, { ...header, tuned }));
    return { text, files: [untuned, { path: `${path}_tune`, bytes: text }] };
  });
  const mse = own.findIndex(({ calibration }) => calibration.method === 'mse');
  const base = tables[Math.max(mse, 0)]!.text;
  writeFilesWhole([...tables.flatMap(({ files }) => files), { path: target, bytes: base }]);
  return base;
}

/** The title of these tables has three blanks where all others have four. */
function narrowTitle(text: string): string {
  return text.replace('# op_name    threshold', '# op_name   threshold');
}

type Searched = Extract<SearchQtableOutcome, { kind: 'searched' }>;

interface Found {
  readonly graph: Graph;
  readonly samples: number;
  /** Text of the calibration table. */
  readonly base: string;
  readonly goal: ReachedGoal | undefined;
}

/** The outcome with the float set that meets the goal: it is the one to write then. */
export function withGoalSet<Outcome extends SearchQtableOutcome>(
  found: Outcome,
  goal: ReachedGoal | undefined,
): Outcome {
  if (found.kind === 'sufficient' || goal?.set === undefined) return found;
  const { count, floatLayers, score } = goal.set;
  return { ...found, plan: goal.plan ?? found.plan, smallestPassing: { count, floatLayers, score } };
}

function writeFound(args: Arguments, outcome: Searched, { graph, samples, base, goal }: Found): void {
  const { plan, floatType: mode } = outcome;
  const table = { time: generationTime(), samples, processor: args.string('processor'), mode };
  const { floatLayers: layers } = writtenTrial(outcome);
  writeFilesWhole([
    { path: NEW_TABLE, bytes: withNewThresholds(base, (name) => plan.values.get(name)?.threshold) },
    { path: args.string('quantize_table'), bytes: printMixedTable({ ...table, layers }) },
    planFile(args, { graph, plan: trialPlan(outcome), ...(goal && { goal }) }),
    ...(goal?.files ?? []),
  ]);
}

/** The plan of the trial that is written, each layer with its loss. */
export function trialPlan(outcome: Searched): Plan {
  const { plan, floatType, ranking } = outcome;
  const reasons = lossReasons(ranking.map(({ layer, best }) => [layer, best.loss]));
  return withReasons(plan, writtenTrial(outcome).floatLayers, { floatType, reasons });
}
