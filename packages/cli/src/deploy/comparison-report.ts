import type { Tensor } from '@q/ir';
import {
  compareTensors,
  matchLines,
  matchSummaryLines,
  matchTensor,
  type TensorComparison,
  type Tolerance,
  valuesOf,
} from '@q/search';
import type { Terminal } from '../terminal/terminal.ts';

/** One side of a comparison: a file of results, or what would be in it. */
export interface Side {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export interface ReportRequest {
  readonly target: Side;
  readonly reference: Side;
  readonly tolerance: Tolerance;
  readonly excepts: readonly string[];
  readonly terminal: Terminal;
}

/** Compares as `npz_tool compare -vv` does and prints its report; the layers in the order of the reference. */
export function reportComparison(request: ReportRequest): readonly TensorComparison[] {
  const { target, reference, tolerance, excepts, terminal } = request;
  const results = compareTensors({ target: target.tensors, reference: reference.tensors, tolerance, excepts });
  for (const result of results) for (const line of matchLines(result, true)) terminal.print(line);
  const matches = results.map(({ match }) => match);
  for (const line of matchSummaryLines(matches, target.name, reference.name)) terminal.print(line);
  return results;
}

/**
 * `--fazzy_match`: every tensor of the target against all of one shape, whatever they are called; passes when the least of
 * the best similarities reaches the tolerance.
 */
export function reportFuzzyMatch({ target, reference, tolerance, terminal }: ReportRequest): boolean {
  let [least, leastEuclidean] = [1, 1];
  for (const [name, tensor] of target.tensors) {
    let best = { cosine: 0, euclidean: 0, name: '' };
    for (const [other, candidate] of reference.tensors) {
      if (tensor.shape.join() !== candidate.shape.join()) continue;
      const { cosine, euclidean } = matchTensor(valuesOf(tensor), valuesOf(candidate), tolerance);
      if (cosine > best.cosine) best = { cosine, euclidean, name: other };
    }
    terminal.print(`find max_cos:${best.cosine}, max_euc:${best.euclidean} for ${name} and ${best.name}`);
    least = Math.min(least, best.cosine);
    leastEuclidean = Math.min(leastEuclidean, best.euclidean);
  }
  const passed = least >= tolerance[0] && leastEuclidean >= tolerance[1];
  terminal.print(`npz compare ${passed ? 'PASSED' : 'FAILED'}.`);
  return passed;
}

/** Says which layer is the first one, in program order, that is not similar enough. */
export function explainFailure(results: readonly TensorComparison[], tolerance: Tolerance, terminal: Terminal): void {
  const failed = results.filter(({ match }) => !match.passed);
  const [first] = failed;
  if (first === undefined) return;
  const { cosine, euclidean } = first.match;
  terminal.warn(
    `error: ${failed.length} of ${results.length} layers are below the tolerance ${tolerance.join(',')} [cli.below-tolerance]\n` +
      `  first: ${first.name} (cosine ${cosine.toFixed(6)}, euclidean ${euclidean.toFixed(6)})\n` +
      '  hint: put it into the quantize table as a float layer, or calibrate with other samples or another method',
  );
}
