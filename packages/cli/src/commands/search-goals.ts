import { readFileSync } from 'node:fs';
import type { Dataset } from '@q/dataset';
import { type Plan, QError, typeOf } from '@q/ir';
import {
  type FloatSetMeasure,
  FloatSetTrials,
  findFloatSets,
  type GoalOutcome,
  goalReport,
  type LayerSensitivity,
  type MeasuredFloatSet,
  PARETO_TITLES,
  paretoCells,
  paretoCounts,
  paretoCsv,
  pythonFloat,
  type ReportLine,
  refinePlan,
  type SearchJournal,
  scoreMeasure,
  sqnrMeasure,
  userMeasure,
} from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { loadMetric } from '../files/metric-module.ts';
import { renderTable } from '../terminal/table.ts';
import { readBudget, recipeOf } from './search-effort.ts';
import type { SearchSubject } from './search-subject.ts';

/** Goals beyond the original's: which float set is wanted, and what is listed. */
export function declareGoalFlags(parser: ArgumentParser): void {
  parser.add_argument('--smallest', {
    action: 'store_true',
    help:
      'searches of layers: the smallest float set that reaches --expected_cos (or --expected_sqnr, --expected_metric, which ' +
      'mean it, too), from none to all layers',
  });
  parser.add_argument('--expected_sqnr', {
    type: 'float',
    help: 'searches of layers: the smallest float set whose outputs have this signal-to-noise ratio in dB, over all samples',
  });
  parser.add_argument('--metric', {
    default: '',
    help: 'searches of layers: ES module that exports metric(float, quantized, image), larger is better; for --expected_metric, --pareto',
  });
  parser.add_argument('--expected_metric', {
    type: 'float',
    help: 'searches of layers: the smallest float set that reaches this in --metric',
  });
  parser.add_argument('--pareto', {
    nargs: '?',
    const: 'all',
    default: '',
    help:
      'searches of layers: list accuracy against float MACs, of float sets of growing size or of the sizes given: 0,1,2,5; ' +
      'also written to QUANTIZE_TABLE.pareto.csv',
  });
  parser.add_argument('--refine', {
    action: 'store_true',
    help:
      'searches of layers with a goal: then change thresholds and float layers one by one, each tried on the whole network, as ' +
      'long as the measure rises',
  });
  parser.add_argument('--float_layer_limit', {
    type: 'int',
    help: 'searches of layers: never more float layers than this (default: an eighth, as TPU-MLIR; with goals: all)',
  });
}

/** A bound on float layers, where one is given. */
export function readFloatLayerLimit(args: Arguments): { readonly floatLayerLimit?: number } {
  return args.isGiven('float_layer_limit') ? { floatLayerLimit: args.integer('float_layer_limit') } : {};
}

/** What float sets are measured by, and which is wanted. */
interface Goal {
  readonly measure: FloatSetMeasure;
  readonly expected: number;
  /** Names what values depend on. */
  readonly recipe: string;
  /** Sizes to list; `all` that show something. */
  readonly counts?: readonly number[] | 'all';
  readonly limit?: number;
}

export interface GoalSubject extends SearchSubject {
  readonly samples: Dataset;
}

/** A search's goal: undefined where the original's suffices. */
export class GoalSearch {
  readonly #goal: Goal;
  readonly #args: Arguments;
  readonly #subject: GoalSubject;
  readonly #start = performance.now();
  #opened: FloatSetTrials | undefined;

  private constructor(args: Arguments, subject: GoalSubject, goal: Goal) {
    this.#args = args;
    this.#subject = subject;
    this.#goal = goal;
  }

  /** @throws QError `cli.contradicting-flags`, `cli.bad-flag-value`, `cli.hook`, `cli.missing-file` */
  static async read(args: Arguments, subject: GoalSubject): Promise<GoalSearch | undefined> {
    const goal = await readGoal(args, subject);
    return goal === undefined ? undefined : new GoalSearch(args, subject, goal);
  }

  /** Scores are at most 1: nothing suffices before the goal is looked at. */
  get expectedCos(): number {
    return 2;
  }

  /**
   * Says that INT8 reaches the goal as it is, in the words of the original; undefined where it does not, or where a list is
   * wanted in any case.
   */
  async sufficientLine(plan: Plan): Promise<string | undefined> {
    const { measure, expected, counts } = this.#goal;
    if (counts !== undefined) return undefined;
    const { graph } = this.#subject;
    const { smallest } = await findFloatSets({
      graph,
      trials: await this.#trials(),
      ranking: [],
      plan,
      goal: expected,
    });
    if (smallest === undefined) return undefined;
    const { name } = measure;
    return (
      `job success, current int8 ${name}:${pythonFloat(smallest.value)} is higher than ` +
      `expected_${name}:${pythonFloat(expected)},no need for mix precsion`
    );
  }

  /** Measures float sets of a ranking. A search that was stopped has no time left for it. */
  async find({ ranking, plan }: Ranked, journal: SearchJournal | undefined): Promise<GoalOutcome> {
    const { measure, expected, counts, limit = ranking.length } = this.#goal;
    const trials = await this.#trials();
    if (journal !== undefined) trials.recordIn(journal);
    const candidates = ranking.slice(0, limit);
    const found = await findFloatSets({
      graph: this.#subject.graph,
      trials,
      ranking: candidates,
      plan,
      goal: expected,
      ...(counts && { counts: counts === 'all' ? paretoCounts(candidates.length) : counts }),
    });
    const outcome = { found, measure, expected, takesBest: this.#goal.limit !== undefined };
    const set = setOf(outcome);
    if (!this.#args.flag('refine') || set === undefined) return outcome;
    const { graph } = this.#subject;
    const most = found.smallest === undefined ? limit : found.smallest.count;
    const refined = await refinePlan({ graph, trials, ranking, plan, floatLayers: set.floatLayers, limit: most });
    return { ...outcome, refined };
  }

  /** The list that was asked for. */
  files(outcome: GoalOutcome): { readonly path: string; readonly bytes: string }[] {
    if (!this.lists) return [];
    return [{ path: `${this.#args.string('quantize_table')}.pareto.csv`, bytes: paretoCsv(outcome) }];
  }

  /** The same on the console. */
  tableLines(outcome: GoalOutcome): ReportLine[] {
    if (!this.lists) return [];
    const { name } = outcome.measure;
    const titles = [...PARETO_TITLES, name, ...(name === 'cos' ? [] : ['cos'])];
    const columns = titles.map((title) => ({ title, align: 'right' as const }));
    const table = renderTable(columns, paretoCells(outcome));
    return table.split('\n').map((text) => ({ text, shown: true }));
  }

  /** Is accuracy to be listed against float MACs? */
  get lists(): boolean {
    return this.#goal.counts !== undefined;
  }

  async #trials(): Promise<FloatSetTrials> {
    const { measure, recipe } = this.#goal;
    const budget = readBudget(this.#args.optionalString('budget'));
    const left = budget === undefined ? undefined : Math.max(0, budget - (performance.now() - this.#start));
    this.#opened ??= await FloatSetTrials.open({
      ...this.#subject,
      measure,
      recipe,
      ...(left !== undefined && { budgetMilliseconds: left }),
    });
    return this.#opened;
  }
}

/** What goals take of a search. */
export interface Ranked {
  readonly ranking: readonly LayerSensitivity[];
  /** With the thresholds that were chosen; layers that are float in it stay so. */
  readonly plan: Plan;
}

/** What came of a goal. */
export interface ReachedGoal {
  readonly outcome: GoalOutcome;
  readonly lists: boolean;
  /**
   * The set to write: the smallest that meets the goal; where none does, the nearest if float layers are limited, else
   * absent, and what the search itself would write is written.
   */
  readonly set?: MeasuredFloatSet;
  /** With thresholds that were refined. */
  readonly plan?: Plan;
  /** For the log and the console, to stand before the result. */
  readonly lines: readonly ReportLine[];
  readonly files: readonly { readonly path: string; readonly bytes: string }[];
}

/** Waits for a search, and asks its ranking for the goal if there is one. */
export async function reachGoal<Outcome extends { readonly kind: string }>(
  search: Promise<Outcome>,
  goals: GoalSearch | undefined,
  { journal, rankedOf }: { readonly journal: SearchJournal | undefined; readonly rankedOf: (found: Outcome) => Ranked },
): Promise<{ readonly found: Outcome; readonly goal?: ReachedGoal }> {
  const found = await search;
  if (goals === undefined || found.kind === 'sufficient') return { found };
  const outcome = await goals.find(rankedOf(found), journal);
  const { refined } = outcome;
  const set = refined?.set ?? setOf(outcome);
  const lines = [...goals.tableLines(outcome), ...goalReport(outcome)];
  const goal = { outcome, lists: goals.lists, lines, files: goals.files(outcome), ...(set && { set }) };
  return { found, goal: { ...goal, ...(refined && { plan: refined.plan }) } };
}

/** The smallest set that meets the goal; where none does, the nearest if float layers are limited. */
function setOf({ found: { smallest, best }, takesBest }: GoalOutcome): MeasuredFloatSet | undefined {
  return smallest ?? (takesBest ? best : undefined);
}

const RESULT = '>>>run result:';

/** The report with what came of the goal in front of its result. */
export function withGoalLines(report: readonly ReportLine[], goal: ReachedGoal | undefined): ReportLine[] {
  if (goal === undefined) return [...report];
  const at = report.findIndex(({ text }) => text === RESULT);
  return [...report.slice(0, at), ...goal.lines, ...report.slice(at)];
}

async function readGoal(args: Arguments, subject: GoalSubject): Promise<Goal | undefined> {
  const isSqnr = args.isGiven('expected_sqnr');
  const file = args.optionalString('metric');
  const isMetric = args.isGiven('expected_metric');
  const pareto = args.optionalString('pareto');
  const { floatLayerLimit: limit } = readFloatLayerLimit(args);
  if (isSqnr && (isMetric || file !== undefined)) throw contradiction('--expected_sqnr', '--metric');
  if (isMetric && file === undefined) throw incomplete('--expected_metric', '--metric FILE.mjs');
  if (file !== undefined && !isMetric && pareto === undefined)
    throw incomplete('--metric', '--expected_metric or --pareto');
  if (!isSqnr && !isMetric && pareto === undefined && !args.flag('smallest')) {
    if (args.flag('refine')) throw incomplete('--refine', '--smallest, --expected_sqnr, --expected_metric or --pareto');
    return undefined;
  }
  const real = (name: string): number => args.real(name, Number.isFinite, 'a finite number');
  const counts = pareto === undefined ? undefined : readCounts(pareto);
  const more = { ...(counts && { counts }), ...(limit !== undefined && { limit }) };
  const recipe = recipeOf(args) ?? '';
  if (isSqnr) return { measure: sqnrMeasure(), expected: real('expected_sqnr'), recipe, ...more };
  if (file === undefined) {
    return {
      measure: scoreMeasure(subject.score),
      expected: args.real('expected_cos', Number.isFinite, ''),
      recipe,
      ...more,
    };
  }
  const { graph, compared, samples } = subject;
  const tensors = (compared ?? graph.outputs).map((name) => ({ name, shape: typeOf(graph, name)!.shape }));
  const measure = userMeasure({
    ...(await loadMetric(file)),
    where: file,
    tensors,
    filesOf: (index) => samples.files(index),
  });
  const expected = isMetric ? real('expected_metric') : Number.NEGATIVE_INFINITY;
  return { measure, expected, recipe: `${recipe}\n${readFileSync(file, 'utf8')}`, ...more };
}

function readCounts(text: string): readonly number[] | 'all' {
  if (text === 'all') return 'all';
  const counts = text.split(',').map((word) => (/^\s*\d+\s*$/.test(word) ? Number(word) : Number.NaN));
  if (counts.every(Number.isSafeInteger)) return counts.toSorted((a, b) => a - b);
  throw new QError(`--pareto ${text} is no list of sizes`, {
    code: 'cli.bad-flag-value',
    where: '--pareto',
    found: text,
    expected: 'numbers of float layers, separated by commas: 0,1,2,5; or nothing for sizes that show something',
  });
}

function contradiction(one: string, other: string): QError {
  const where = `${one}, ${other}`;
  return new QError(`${one} and ${other} contradict each other: a search has one goal`, {
    code: 'cli.contradicting-flags',
    where,
  });
}

function incomplete(flag: string, needs: string): QError {
  return new QError(`${flag} needs ${needs}`, { code: 'cli.missing-flag', where: flag, expected: needs });
}
