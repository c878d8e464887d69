import { existsSync } from 'node:fs';
import { shapeLayers } from '@q/calib';
import {
  type CalibrationTable,
  type Graph,
  type Plan,
  parseCalibrationTable,
  QError,
  quantizeTableFor,
  type Reason,
} from '@q/ir';
import {
  fastSearch,
  fastSearchReport,
  lossLines,
  type MixSearchOutcome,
  mixSearch,
  mixSearchReport,
  newerPatternLayers,
  patternLines,
  printGroupedTable,
  printLossTable,
  type ScreenedSearchOutcome,
  screenedSearchReport,
  searchScreenedQtable,
  writtenTrial,
} from '@q/search';
import type { Arguments } from '../arguments/arguments.ts';
import { exitStatus } from '../command.ts';
import { readQuantizeTable } from '../deploy/read-plan.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { shapeModeOf } from './automatic-tables.ts';
import { requireLayers } from './compared-layers.ts';
import {
  type CalibrationSearch,
  layerCount,
  NEW_TABLE,
  requireQuantizeTable,
  SEARCH_LOG,
  trialPlan,
  withGoalSet,
  writeMethodTables,
} from './run-calibration-search.ts';
import { closing, readEffort } from './search-effort.ts';
import { readLikeness } from './search-flags.ts';
import { GoalSearch, reachGoal, readFloatLayerLimit, withGoalLines } from './search-goals.ts';
import { SearchLog } from './search-log.ts';
import { calibrateMethods, methodThresholds, readMethodList, withNewThresholds } from './search-methods.ts';
import { lossReasons, planFile, withReasons } from './search-plan.ts';
import { openSearchSamples, readSearchSubject, readTableOf } from './search-subject.ts';

/** Layers that are float whatever a search finds, by what says so. */
export interface FixedLayers {
  readonly shape: readonly string[];
  /** Their float type in the table, where it is another. */
  readonly shapeMode?: string;
  readonly pattern: readonly string[];
  readonly custom: readonly string[];
  /** What the pattern matcher said. */
  readonly log: readonly string[];
}

/** Shape computations and known patterns, or the table of `--pre_qtable` alone (search.md 6). */
function readFixedLayers(args: Arguments, graph: Graph, terminal: Terminal): FixedLayers {
  const path = args.optionalString('pre_qtable');
  if (path === undefined) {
    const match = newerPatternLayers(graph);
    const log = match === undefined ? [] : patternLines(match);
    for (const line of log) terminal.print(line);
    const shape = [...shapeLayers(graph, '2026'), ...(match?.shape ?? [])];
    const { shapeMode } = shapeModeOf(match, args.string('processor'));
    return { shape, pattern: match?.layers ?? [], custom: [], log, ...(shapeMode && { shapeMode }) };
  }
  terminal.print(`Use only ${path} as quantize table!`);
  const custom = [...quantizeTableFor(graph, readQuantizeTable(path, terminal)).rows.keys()];
  requireLayers(custom, graph, '--pre_qtable');
  return { shape: [], pattern: [], log: [], custom };
}

const MIX_LOG = 'Mix_Search';

/** @param written a file that the search writes into the working directory */
export async function prepareNewerSearch(search: CalibrationSearch, written: string) {
  const { args, terminal, graph, mlirFile } = search;
  const quantizeTable = requireQuantizeTable(args);
  const expectedCos = readLikeness(args, 'expected_cos');
  const fixed = readFixedLayers(args, graph, terminal);
  const fixedFloat = [...new Set([...fixed.custom, ...fixed.shape, ...fixed.pattern])];
  const subject = await readSearchSubject(args, graph, written);
  const samples = await openSearchSamples(args, subject, args.integer('inference_num', 1));
  const options = { ...subject, samples, expectedCos, fixedFloat, emit: terminal.emit };
  return {
    options,
    fixed,
    facts: { graph, mlirFile, expectedCos, quantizeTable, fixedFloat, compared: subject.compared },
  };
}

/** The table that is there at `-o`: these searches do not calibrate. */
export function existingTable({ args, graph }: CalibrationSearch): CalibrationTable {
  const path = args.string('calibration_table');
  if (!existsSync(path)) {
    throw new QError(`--search ${args.string('search')} needs the calibration table ${path} to exist`, {
      code: 'cli.missing-file',
      where: path,
      expected: 'a table of run_calibration at -o',
      hint: 'run the same command without --search first',
    });
  }
  return readTableOf(graph, path);
}

/** `--search fast_search`; answers the exit status. */
export async function fastSearchTable(search: CalibrationSearch): Promise<number> {
  const { rows: values } = existingTable(search);
  const { options, fixed, facts } = await prepareNewerSearch(search, SEARCH_LOG);
  const log = new SearchLog(search.terminal, SEARCH_LOG);
  const effort = readEffort(search.args, search.terminal);
  const outcome = await closing(effort, fastSearch({ ...options, ...effort.options, values }));
  const report = fastSearchReport(outcome, facts);
  if (outcome.kind === 'sufficient') log.write(report);
  else {
    const text = tableText(search.args, fixed, {
      mode: outcome.floatType,
      custom: outcome.floatLayers,
      samples: search.samples.length,
    });
    const { rounds, floatLayers, floatType } = outcome;
    const losses = rounds.flatMap((round) => round.losses.map(({ layer, cosine }) => [layer, cosine] as const));
    const plan = withReasons(outcome.plan, floatLayers, { floatType, reasons: lossReasons(losses) });
    writeFilesWhole([
      { path: facts.quantizeTable, bytes: text },
      planFile(search.args, { graph: search.graph, plan: withFixedLayers(plan, fixed, search.args) }),
    ]);
    log.write([...report, log.timeLine()]);
  }
  return exitStatus.ok;
}

/** `--search mix_search`; answers the exit status. Its table is written in any case (search.md 13.15). */
export async function mixSearchTable(search: CalibrationSearch): Promise<number> {
  const { args, terminal, graph } = search;
  const { rows: values } = existingTable(search);
  const { options, fixed, facts } = await prepareNewerSearch(search, MIX_LOG);
  const log = new SearchLog(terminal, MIX_LOG);
  const limits = { minLayerCos: readLikeness(args, 'min_layer_cos'), maxFloatLayers: args.integer('max_float_layers') };
  const effort = readEffort(args, terminal);
  const outcome = await closing(effort, mixSearch({ ...options, ...effort.options, ...limits, values }));
  const report = mixSearchReport(outcome, facts);
  const mode = outcome.kind === 'sufficient' ? options.floatType : outcome.floatType;
  const found = outcome.kind === 'sufficient' ? [] : outcome.floatLayers;
  const losses = outcome.kind === 'sufficient' ? [] : lossLines(outcome.layers);
  const lossTable = {
    time: generationTime(),
    samples: options.samples.length,
    processor: args.string('processor'),
    mode,
    lines: losses,
  };
  writeFilesWhole([
    {
      path: facts.quantizeTable,
      bytes: tableText(args, fixed, { mode, custom: found, samples: search.samples.length }),
    },
    ...(losses.length === 0 ? [] : [{ path: `${facts.quantizeTable}_loss.txt`, bytes: printLossTable(lossTable) }]),
    ...(outcome.kind === 'sufficient'
      ? []
      : [planFile(args, { graph, plan: withFixedLayers(mixedPlan(outcome), fixed, args) })]),
  ]);
  log.write(outcome.kind === 'sufficient' ? report : [...report, log.timeLine()]);
  return exitStatus.ok;
}

type ScreenedSearched = Extract<ScreenedSearchOutcome, { kind: 'searched' }>;

/** `--search search_qtable --profile 2026` (search.md 5.3); answers the exit status. */
export async function screenedSearchTables(search: CalibrationSearch): Promise<number> {
  const { args, terminal, graph } = search;
  const words = args.list('quantize_method_list').map((word) => word.toLowerCase().replace(/^use_/, ''));
  const methodList = readMethodList(words);
  const { options, fixed, facts } = await prepareNewerSearch(search, NEW_TABLE);
  const log = new SearchLog(terminal, SEARCH_LOG);
  const methods = await calibrateMethods(graph, search.samples, methodList, search.options);
  const base = writeMethodTables(search, methods);
  const values = parseCalibrationTable(base).rows;
  const goals = await GoalSearch.read(args, options);
  const effort = readEffort(args, terminal);
  const tried = {
    ...readFloatLayerLimit(args),
    values,
    methods: methods.map(methodThresholds),
    maxFloatLayers: args.integer('max_float_layers'),
    isClustered: args.flag('cluster'),
    expectedCos: goals?.expectedCos ?? options.expectedCos,
  };
  const { found, goal } = await closing(
    effort,
    reachGoal(searchScreenedQtable({ ...options, ...effort.options, ...tried }), goals, {
      journal: effort.options.journal,
      rankedOf: (outcome) => outcome as ScreenedSearched,
    }),
  );
  const outcome = withGoalSet(found, goal);
  const report = withGoalLines(
    screenedSearchReport(outcome, { ...facts, methods: words, layerCount: layerCount(options, values) }),
    goal,
  );
  if (outcome.kind === 'sufficient') {
    log.write(report);
    return exitStatus.ok;
  }
  const { plan, floatType: mode } = outcome;
  const custom = writtenTrial(outcome).floatLayers;
  writeFilesWhole([
    { path: NEW_TABLE, bytes: withNewThresholds(base, (name) => plan.values.get(name)?.threshold) },
    { path: facts.quantizeTable, bytes: tableText(args, fixed, { mode, custom, samples: search.samples.length }) },
    planFile(args, { graph, plan: withFixedLayers(trialPlan(outcome), fixed, args), ...(goal && { goal }) }),
    ...(goal?.files ?? []),
  ]);
  log.write([...report, log.timeLine()]);
  terminal.print('success search qtable');
  return exitStatus.ok;
}

/** Layers that were too far from float, and those between them, which became float with the next of them. */
function mixedPlan({ plan, floatLayers, floatType, layers }: Extract<MixSearchOutcome, { kind: 'searched' }>): Plan {
  const reasons = lossReasons(layers.map(({ layer, cosine }) => [layer, 1 - cosine]));
  let next: string | undefined;
  for (const layer of floatLayers.toReversed()) {
    if (reasons.has(layer)) next = layer;
    else if (next !== undefined) reasons.set(layer, { code: 'neighbour', of: next });
  }
  return withReasons(plan, floatLayers, { floatType, reasons });
}

/** The plan that says why layers are float whatever was found. */
export function withFixedLayers(plan: Plan, { shape, pattern, custom }: FixedLayers, args: Arguments): Plan {
  const reasons = new Map<string, Reason>([
    ...pattern.map((layer) => [layer, { code: 'user', rule: 'pattern' }] as const),
    ...shape.map((layer) => [layer, { code: 'shape-computation' }] as const),
    ...custom.map((layer) => [layer, { code: 'user', rule: args.optionalString('pre_qtable') ?? '' }] as const),
  ]);
  const ops = new Map(
    [...plan.ops].map(([layer, op]) => [layer, { ...op, reason: reasons.get(layer) ?? op.reason }] as const),
  );
  return { ...plan, ops };
}

export function tableText(
  args: Arguments,
  fixed: FixedLayers,
  { mode, custom, customModes, samples }: SearchedTable,
): string {
  return printGroupedTable({
    time: generationTime(),
    samples,
    processor: args.string('processor'),
    mode,
    ...(fixed.shapeMode && { shapeMode: fixed.shapeMode }),
    shape: fixed.shape,
    pattern: fixed.pattern,
    custom: [...fixed.custom, ...custom],
    ...(customModes && { customModes }),
    log: fixed.log,
  });
}

interface SearchedTable {
  /** Float type. */
  readonly mode: string;
  readonly custom: readonly string[];
  /** Types of those where they are others. */
  readonly customModes?: ReadonlyMap<string, string>;
  /** Samples of the calibration, not those that networks are compared on. */
  readonly samples: number;
}
