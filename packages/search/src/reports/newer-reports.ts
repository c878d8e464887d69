import type { FastSearchOutcome, LayerNoise } from '../newer-searches/fast-search.ts';
import type { FourBitOutcome } from '../newer-searches/four-bit-search.ts';
import type { MixSearchOutcome } from '../newer-searches/mix-search.ts';
import type { ScreenedSearchOutcome } from '../newer-searches/screened-search.ts';
import type { TypeScreening } from '../newer-searches/type-screening.ts';
import { fixed6, pythonFloat } from '../tensor-match.ts';
import { pickLines, trialLines } from './layer-lines.ts';
import { pythonList } from './python-text.ts';
import { lossLines } from './qtable-report.ts';
import { logged, type ReportLine, shown } from './report-line.ts';
import { mixedScoreOf, resultLines, scoreLine, setLine, sufficientLine } from './result-lines.ts';
import { globalMetrics, type SearchFacts, writtenTrial } from './search-qtable-report.ts';

export interface NewerFacts extends SearchFacts {
  /** Layers that are float whatever is found. */
  readonly fixedFloat: readonly string[];
}

export interface ScreenedFacts extends NewerFacts {
  /** As the logs spell them: in lower case. */
  readonly methods: readonly string[];
  /** Layers of the float network that the lowered one has, too. */
  readonly layerCount: number;
}

/** The end of a search that needed nothing says which layers are float anyway (search.md 5.3). */
function sufficient(int8Score: number, { expectedCos, fixedFloat }: NewerFacts): ReportLine[] {
  const line = sufficientLine(int8Score, expectedCos);
  return shown(fixedFloat.length === 0 ? line : `${line} with layers:${pythonList(fixedFloat)}`);
}

/** The lines of `search_qtable` of 2026 (search.md 5.3, 5.4). */
export function screenedSearchReport(outcome: ScreenedSearchOutcome, facts: ScreenedFacts): ReportLine[] {
  const { graph, mlirFile, methods, layerCount } = facts;
  const start = [
    ...shown(`quantize_method_list=${pythonList(methods)}`),
    ...logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`),
  ];
  if (outcome.kind === 'sufficient') return [...start, ...sufficient(outcome.int8Score, facts)];
  const { int8Score, quantizedLayers, layers, ranking, trials, screening, cluster } = outcome;
  const written = writtenTrial(outcome);
  return [
    ...start,
    ...logged(
      scoreLine(int8Score, 'int8 model', `all_int8_cos=${pythonFloat(int8Score)} with default mse_tune calitable`),
      `run int8 mode: ${mlirFile}`,
      'layer name check pass !',
      `all layer number: ${layerCount}`,
      `all layer number no float: ${quantizedLayers.length}`,
      ...screeningLines(screening),
      `all search layer number: ${layers.length}`,
      globalMetrics(facts),
      ...layers.flatMap((layer) => trialLines(layer, mlirFile)),
    ),
    ...shown(
      ...trials.flatMap(({ count, score }, index) => [
        ...(cluster === undefined
          ? pickLines({ ranking, count, graph, ranks: index === 0 })
          : [`selected_layers = ${pythonList(cluster)}`]),
        `run int8 mode: ${mlirFile}`,
        setLine(count, score, pythonFloat),
      ]),
      '>>>run result:',
      ...resultLines({ int8Score, mixedScore: written.score, quantizeTable: facts.quantizeTable }),
    ),
  ];
}

/** The lines of `fast_search` (search.md 6). */
export function fastSearchReport(outcome: FastSearchOutcome, facts: NewerFacts): ReportLine[] {
  const { mlirFile, quantizeTable } = facts;
  const start = logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`);
  if (outcome.kind === 'sufficient') return [...start, ...sufficient(outcome.int8Score, facts)];
  const { int8Score, mixedScore, screening, searched, rounds } = outcome;
  return [
    ...start,
    ...logged(
      ...screeningLines(screening),
      `all search layer number: ${searched.length}`,
      ...rounds.flatMap(({ losses }) => [
        ...losses.flatMap((loss) => candidateLines(loss, mlirFile)),
        `run int8 mode: ${mlirFile}`,
      ]),
    ),
    ...shown(
      '>>>run result:',
      setLine(outcome.floatLayers.length, mixedScore, fixed6),
      ...resultLines({ int8Score, mixedScore, quantizeTable }),
    ),
  ];
}

/** The lines of `mix_search` (search.md 6, 8.3). */
export function mixSearchReport(outcome: MixSearchOutcome, facts: NewerFacts): ReportLine[] {
  const { mlirFile, quantizeTable } = facts;
  const start = logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`);
  if (outcome.kind === 'sufficient') return [...start, ...sufficient(outcome.int8Score, facts)];
  const { int8Score, end, floatType, most } = outcome;
  const mixedScore = mixedScoreOf(outcome);
  const exceeded = `job finished, the number of layers of ${floatType} exceeded the maximum ${most}`;
  return [
    ...start,
    ...shown(
      ...(end === 'too-many' ? [exceeded] : []),
      '>>>run result:',
      ...lossLines(outcome.layers),
      ...resultLines({ int8Score, mixedScore, quantizeTable }),
    ),
  ];
}

/** The lines of `search_qtable` with four bits (search.md 6). */
export function fourBitSearchReport(
  outcome: FourBitOutcome,
  { mlirFile, quantizeTable, precision }: NewerFacts & { readonly precision: 'INT4' | 'W4INT8' },
): ReportLine[] {
  const { int8Score, fourBitScore, mixedScore, losses, groups, trials, int8Layers, fourBitLayers } = outcome;
  const name = precision === 'INT4' ? 'int4' : 'w4a8';
  const sorted = losses.toSorted((a, b) => a.cosine - b.cosine);
  return [
    ...logged(
      `run float mode: ${mlirFile}`,
      `run int8 mode: ${mlirFile}`,
      scoreLine(int8Score, 'int8 model', `current int8 cos:${pythonFloat(int8Score)}`),
      // The first of these looks which layers are float anyway.
      `run int8 mode: ${mlirFile}`,
      `run int8 mode: ${mlirFile}`,
      scoreLine(fourBitScore, `${name} model`, `current ${name} cos:${pythonFloat(fourBitScore)}`),
      ...losses.flatMap((loss) => candidateLines(loss, mlirFile)),
      ...sorted.map(
        ({ layer, cosine, noise }) =>
          `Layer: ${layer}, outputs_cos: ${pythonFloat(cosine)}, outputs_snr: ${pythonFloat(noise)}`,
      ),
      `sorted_clusters = [${groups.map(pythonList).join(', ')}]`,
      ...trials.map(() => `run int8 mode: ${mlirFile}`),
    ),
    ...shown(
      '>>>final int4/w4a8 search statistics:',
      scoreLine(mixedScore - int8Score, 'change vs int8', `cos change vs int8:${fixed6(mixedScore - int8Score)}`),
      `final INT8 keep layers:${int8Layers.length}`,
      scoreLine(fourBitScore, `${name} model`, `${name} outputs_cos:${fixed6(fourBitScore)} old`),
      `final ${name.toUpperCase()} layers:${fourBitLayers.length}`,
      '>>>run result:',
      setLine(int8Layers.length, mixedScore, fixed6),
      ...resultLines({ int8Score, mixedScore, quantizeTable }),
    ),
  ];
}

function candidateLines({ layer, type, cosine, noise }: LayerNoise, mlirFile: string): string[] {
  return [
    `start to handle layer: ${layer}, type: ${type}`,
    `run int8 mode: ${mlirFile}`,
    `layer ${layer}, outputs_cos:${pythonFloat(cosine)}, outputs_snr:${pythonFloat(noise)}`,
  ];
}

function screeningLines({ types, sensitive }: TypeScreening): string[] {
  return [
    ...types.map(({ type, similarity }) => `op_type : ${type}, similarity : ${pythonFloat(similarity)}`),
    `sensitive_op_type : ${pythonList(sensitive)}, please pay attention to these types of operations`,
  ];
}
