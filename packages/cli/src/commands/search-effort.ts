import { readFileSync } from 'node:fs';
import { QError } from '@q/ir';
import type { SearchEffort, SearchEvent, SearchOptions } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { openSearchJournal, type SearchJournalFile } from '../files/search-journal-file.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { workerCount } from './calibration-flags.ts';

/** Flags that say how long a search may take, and what becomes of it when it is interrupted. */
export function declareEffortFlags(parser: ArgumentParser): void {
  parser.add_argument('--exhaustive', {
    action: 'store_true',
    help: 'searches of layers: try each on all samples, for the full list of TPU-MLIR (the default)',
  });
  parser.add_argument('--racing', {
    action: 'store_true',
    help: 'searches of layers: drop candidates as soon as samples show that they change nothing; the same float layers, sooner',
  });
  declareStopFlags(parser);
}

/** The same of searches that cannot be raced. */
export function declareStopFlags(parser: ArgumentParser): void {
  parser.add_argument('--budget', {
    default: '',
    help: 'searches of layers: stop after this time with the best so far: 30s, 5m, 500ms',
  });
  parser.add_argument('--journal', {
    default: '',
    help: 'searches of layers: file that records what was evaluated; an interrupted search goes on from it',
  });
}

/** How a search is to be run, and what to close afterwards. */
export interface Effort {
  readonly options: Pick<
    SearchOptions,
    'effort' | 'budgetMilliseconds' | 'journal' | 'recipe' | 'workers' | 'onEvent' | 'emit'
  >;
  readonly close: () => void;
}

/**
 * Finds what `readEffort` would refuse, before anything is calibrated.
 *
 * @throws QError `cli.bad-flag-value`, `cli.contradicting-flags`
 */
export function checkEffort(args: Arguments): void {
  if (args.flag('racing') && args.flag('exhaustive')) {
    const where = '--racing, --exhaustive';
    throw new QError('--racing and --exhaustive contradict each other', { code: 'cli.contradicting-flags', where });
  }
  readBudget(args.optionalString('budget'));
}

/** @throws QError `cli.bad-flag-value`, `cli.contradicting-flags`, `cli.cannot-write` */
export function readEffort(args: Arguments, terminal: Terminal): Effort {
  checkEffort(args);
  const effort: SearchEffort = args.flag('racing') ? 'racing' : 'exhaustive';
  const budget = readBudget(args.optionalString('budget'));
  const path = args.optionalString('journal');
  const journal: SearchJournalFile | undefined = path === undefined ? undefined : openSearchJournal(path);
  const recipe = recipeOf(args);
  return {
    options: {
      effort,
      ...(args.isGiven('workers') && { workers: workerCount(args) }),
      onEvent: (event) => tell(event, terminal),
      // Progress comes as events that say more.
      emit: (event) => {
        if (event.type !== 'progress') terminal.emit(event);
      },
      ...(budget === undefined ? {} : { budgetMilliseconds: budget }),
      ...(journal === undefined ? {} : { journal }),
      ...(recipe === undefined ? {} : { recipe }),
    },
    close: () => journal?.close(),
  };
}

/** Waits for a search, and closes its journal however it ends. */
export async function closing<T>(effort: Effort, search: Promise<T>): Promise<T> {
  try {
    return await search;
  } finally {
    effort.close();
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, '': 1000 };

/** Milliseconds. */
export function readBudget(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|)$/.exec(text) ?? [];
  if (number !== undefined && Number(number) > 0) return Number(number) * UNITS[unit!]!;
  throw new QError(`--budget ${text} is no time`, {
    code: 'cli.bad-flag-value',
    where: '--budget',
    found: text,
    expected: 'a number of seconds, or one with ms, s, m or h: 30s',
  });
}

/** A journal of another metric is no use: the text of the module is part of what scores depend on. */
export function recipeOf(args: Arguments): string | undefined {
  const file = args.optionalString('post_process');
  if (file === undefined) return undefined;
  return readFileSync(file.endsWith('.py') ? `${file.slice(0, -'.py'.length)}.mjs` : file, 'utf8');
}

/** Layers that the progress bar shows. */
const SHOWN = 2;

function tell(event: SearchEvent, terminal: Terminal): void {
  if (event.type === 'work') {
    const label = event.top
      .slice(0, SHOWN)
      .map(({ layer, loss }) => `${layer} ${loss.toExponential(1)}`)
      .join(', ');
    terminal.emit({ type: 'progress', task: 'search', done: event.done, total: event.total, label });
  }
  if (event.type === 'resumed') terminal.warn(`resumed: ${event.scores} scores were found before`);
  if (event.type === 'not-raced') {
    const [loss, median] = [event.loss, event.median].map((value) => value.toPrecision(3));
    terminal.warn(
      `warning: --racing has no effect: sample ${event.sample} costs ${loss} in INT8, the median one ${median}; every layer is tried on all samples`,
    );
  }
  if (event.type === 'stopped') {
    const why = event.reason === 'budget' ? 'the budget is spent' : 'it was interrupted';
    terminal.warn(`warning: the search stopped early because ${why}; what is written is the best so far`);
  }
}
