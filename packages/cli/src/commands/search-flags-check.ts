import { QError } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { mixModeOf } from './mix-mode.ts';

/** A flag that only some searches know. */
interface SearchFlag {
  readonly flag: string;
  /** Was it given, other than by its default? */
  readonly given: (args: Arguments) => boolean;
  readonly searches: readonly string[];
}

const other =
  (name: string, usual: string) =>
  (args: Arguments): boolean =>
    (args.optionalString(name) ?? usual) !== usual;

const FLAGS: readonly SearchFlag[] = [
  { flag: '--benchmark_method snr', given: other('benchmark_method', 'cos'), searches: ['search_threshold'] },
  { flag: '--transformer True', given: other('transformer', 'False'), searches: ['search_qtable'] },
  { flag: '--quantize_method_list', given: other('quantize_method_list', 'MSE'), searches: ['search_qtable'] },
  {
    flag: '--post_process',
    given: other('post_process', ''),
    searches: ['search_threshold', 'search_qtable', 'fast_search', 'mix_search'],
  },
  { flag: '--pre_qtable', given: other('pre_qtable', ''), searches: ['search_qtable', 'fast_search', 'mix_search'] },
  { flag: '--plan', given: other('plan', ''), searches: ['search_qtable', 'fast_search', 'mix_search'] },
];

/** Goals, and what bounds float sets. */
const GOALS: readonly SearchFlag[] = [
  ...['smallest', 'expected_sqnr', 'expected_metric', 'float_layer_limit'].map((name) => ({
    flag: `--${name}`,
    given: (args: Arguments) => (name === 'smallest' ? args.flag(name) : args.isGiven(name)),
    searches: ['search_qtable'],
  })),
  { flag: '--refine', given: (args) => args.flag('refine'), searches: ['search_qtable'] },
  { flag: '--metric', given: other('metric', ''), searches: ['search_qtable'] },
  { flag: '--pareto', given: other('pareto', ''), searches: ['search_qtable'] },
];

/** Of the searches that know how long they may take. */
const EFFORT: readonly SearchFlag[] = [
  { flag: '--racing', given: (args) => args.flag('racing'), searches: ['search_qtable'] },
  { flag: '--budget', given: other('budget', ''), searches: ['search_qtable', 'fast_search', 'mix_search'] },
  { flag: '--journal', given: other('journal', ''), searches: ['search_qtable', 'fast_search', 'mix_search'] },
];

/** Corrections that the original leaves out when it searches a quantize table. */
const CORRECTIONS = ['we', 'bc', 'sq', 'smc'];

/**
 * Refuses what this version cannot do, and flags that contradict each other: never is one ignored in silence.
 *
 * @throws QError `cli.not-in-this-version`, `cli.contradicting-flags`
 */
export function checkSearchFlags(args: Arguments): void {
  const search = args.string('search');
  checkMixMode(args, search);
  const stray = [...FLAGS, ...GOALS, ...EFFORT].find(
    ({ given, searches }) => given(args) && !searches.includes(search),
  );
  if (stray !== undefined) {
    throw contradiction(
      `${stray.flag} belongs to --search ${stray.searches.join(' or ')}`,
      stray.flag,
      `--search ${search}`,
    );
  }
  const isNewest = args.string('profile') === '2026' || mixModeOf(args).fourBits !== undefined;
  if (args.optionalString('pre_qtable') !== undefined && search === 'search_qtable' && !isNewest) {
    throw contradiction(
      '--pre_qtable with search_qtable belongs to --profile 2026',
      '--pre_qtable',
      args.string('profile'),
    );
  }
  if (args.flag('cluster')) {
    if (search !== 'search_qtable') {
      throw contradiction('--cluster belongs to --search search_qtable', '--cluster', `--search ${search}`);
    }
    if (args.string('profile') !== '2026') {
      throw contradiction('--cluster belongs to --profile 2026', '--cluster', `--profile ${args.string('profile')}`);
    }
    const goal = GOALS.find(({ given }) => given(args));
    if (goal !== undefined)
      throw contradiction(`${goal.flag} and --cluster contradict each other`, goal.flag, '--cluster');
  }
  if (args.flag('racing') && args.string('profile') === '2026') {
    throw contradiction('--racing belongs to the profiles before 2026', '--racing', '--profile 2026');
  }
  const corrections = CORRECTIONS.filter((name) => args.flag(name)).map((name) => `--${name}`);
  if (corrections.length > 0 && !['False', 'search_threshold'].includes(search)) {
    throw contradiction(
      `--search ${search} leaves out ${corrections.join(', ')}, as in TPU-MLIR: correct first, search the corrected model then`,
      corrections.join(', '),
      `--search ${search}`,
    );
  }
}

/** Four bits are searched by `search_qtable` alone, in a way of their own. */
function checkMixMode(args: Arguments, search: string): void {
  if (mixModeOf(args).fourBits === undefined) return;
  const mode = `--mix_mode ${args.string('mix_mode')}`;
  if (search !== 'search_qtable' && search !== 'False') {
    throw contradiction(`${mode} belongs to --search search_qtable`, '--mix_mode', `--search ${search}`);
  }
  const flags = [
    ...GOALS,
    ...FLAGS.filter(({ flag }) => flag === '--transformer True' || flag === '--quantize_method_list'),
    ...EFFORT.filter(({ flag }) => flag === '--racing'),
    { flag: '--cluster', given: (given: Arguments) => given.flag('cluster') },
  ];
  const stray = flags.find(({ given }) => given(args));
  if (stray !== undefined) throw contradiction(`${stray.flag} and ${mode} contradict each other`, stray.flag, mode);
}

function contradiction(message: string, where: string, found: string): QError {
  return new QError(message, { code: 'cli.contradicting-flags', where, found });
}
