import type { Graph } from '@q/ir';
import type { OutputAgreement } from '@q/search';
import { type Column, renderTable } from '../terminal/table.ts';
import type { Candidate, CandidateResult, Evaluation } from './evaluate-candidates.ts';

/** Below this plain cosine of its worst output a result is marked: users should not ship it unseen. */
const GOOD_COSINE = 0.98;

/** The output that agrees least; with several outputs that is the one that matters. */
function worstOutput(outputs: readonly OutputAgreement[]): OutputAgreement {
  return outputs.reduce((worst, output) => (output.cosine < worst.cosine ? output : worst));
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

function candidateRow(result: CandidateResult, hasAccuracy: boolean): string[] {
  const worst = worstOutput(result.outputs);
  return [
    result.processor,
    result.precision,
    worst.cosine.toFixed(6),
    Number.isFinite(worst.sqnrDb) ? worst.sqnrDb.toFixed(2) : 'exact',
    ...(hasAccuracy ? [percent(result.top1!)] : []),
    worst.cosine >= GOOD_COSINE
      ? ''
      : `cosine below ${GOOD_COSINE}${result.outputs.length > 1 ? ` (${worst.name})` : ''}`,
  ];
}

/** The table that ends `q quantize`: float against every processor. */
export function renderQuantizeReport(graph: Graph, evaluation: Evaluation): string {
  const hasAccuracy = evaluation.floatTop1 !== undefined;
  const columns: Column[] = [
    { title: 'processor', align: 'left' },
    { title: 'type', align: 'left' },
    { title: 'cosine', align: 'right' },
    { title: 'SQNR dB', align: 'right' },
    ...(hasAccuracy ? [{ title: 'top-1', align: 'right' } as const] : []),
    { title: 'note', align: 'left' },
  ];
  const float = ['float', 'F32', '1', '', ...(hasAccuracy ? [percent(evaluation.floatTop1!)] : []), 'reference'];
  const rows = [float, ...evaluation.candidates.map((result) => candidateRow(result, hasAccuracy))];
  const scope = graph.outputs.length > 1 ? `, worst of ${graph.outputs.length} outputs` : '';
  return `${graph.name}: quantized against float on ${evaluation.samples} samples (plain cosine, mean over samples${scope})\n\n${renderTable(columns, rows)}`;
}

/** The same as data, with every output apart. No times and paths of the machine: the same input gives the same bytes. */
export function reportJson(graph: Graph, evaluation: Evaluation, candidates: readonly Candidate[]): string {
  const report = {
    model: graph.name,
    samples: evaluation.samples,
    floatTop1: evaluation.floatTop1 ?? null,
    results: evaluation.candidates.map((result, index) => ({
      processor: result.processor,
      precision: result.precision,
      top1: result.top1 ?? null,
      outputs: result.outputs.map((output) => ({
        ...output,
        // JSON has no Infinity: an exact output has no noise.
        sqnrDb: Number.isFinite(output.sqnrDb) ? output.sqnrDb : null,
      })),
      artefacts: candidates[index]!.artefacts.map(({ name }) => name),
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
