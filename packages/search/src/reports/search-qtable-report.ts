import type { Graph } from '@q/ir';
import type { MixedTrial, SearchQtableOutcome } from '../sensitivity/search-qtable.ts';
import { pythonFloat } from '../tensor-match.ts';
import { pickLines, trialLines } from './layer-lines.ts';
import { pythonList } from './python-text.ts';
import { logged, type ReportLine, shown } from './report-line.ts';
import { resultLines, scoreLine, setLine, sufficientLine } from './result-lines.ts';

/** What a search's log says besides its outcome. */
export interface SearchFacts {
  readonly graph: Graph;
  /** As the user gave it. */
  readonly mlirFile: string;
  readonly expectedCos: number;
  readonly quantizeTable: string;
  readonly compared?: readonly string[] | undefined;
}

export interface SearchQtableFacts extends SearchFacts {
  /** As the user spelled them. */
  readonly methods: readonly string[];
  /** The word after `--transformer`. */
  readonly transformer: string;
  /** Layers of the float network that the lowered one has, too. */
  readonly layerCount: number;
}

/** The lines of `search_qtable` in the order of the original, up to the total time (search.md 5.4). */
export function searchQtableReport(outcome: SearchQtableOutcome, facts: SearchQtableFacts): ReportLine[] {
  const { graph, mlirFile, methods, expectedCos, transformer, layerCount } = facts;
  const start = [
    ...shown(`quantize_method_list=${pythonList(methods)}`),
    ...logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`),
  ];
  if (outcome.kind === 'sufficient') return [...start, ...shown(sufficientLine(outcome.int8Score, expectedCos))];
  const { int8Score, quantizedLayers, layers, ranking, trials } = outcome;
  const written = writtenTrial(outcome);
  return [
    ...start,
    ...logged(
      scoreLine(int8Score, 'int8 model', `all_int8_cos=${pythonFloat(int8Score)}`),
      `run int8 mode: ${mlirFile}`,
      'layer name check pass !',
      `all layer number: ${layerCount}`,
      `all layer number no float: ${quantizedLayers.length}`,
      `transformer model: ${transformer}, all search layer number: ${layers.length}`,
      globalMetrics(facts),
      ...layers.flatMap((layer) => trialLines(layer, mlirFile)),
    ),
    ...shown(
      ...trials.flatMap(({ count, score }, index) => [
        ...pickLines({ ranking, count, graph, ranks: index === 0 }),
        `run int8 mode: ${mlirFile}`,
        setLine(count, score, pythonFloat),
      ]),
      '>>>run result:',
      ...resultLines({ int8Score, mixedScore: written.score, quantizeTable: facts.quantizeTable }),
    ),
  ];
}

/**
 * The float set that goes into the quantize table: the smallest that passed, else the last that was scored. (The original
 * writes the last one in either case: search.md 5.2, recommended deviation.)
 */
export function writtenTrial(outcome: Extract<SearchQtableOutcome, { kind: 'searched' }>): MixedTrial {
  return outcome.smallestPassing ?? outcome.trials.at(-1)!;
}

export function globalMetrics({ compared }: Pick<SearchFacts, 'compared'>): string {
  return `Global metrics layer is : ${compared === undefined ? 'None' : pythonList(compared)}`;
}
