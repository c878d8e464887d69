import { type Graph, QError, readNpz, type Tensor, writeNpz } from '@q/ir';
import type { Tolerance } from '@q/search';
import { readInputFile } from '../files/input-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { reportedOutputs, runNetwork } from '../network/run-network.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { explainFailure, reportComparison, reportFuzzyMatch, type Side } from './comparison-report.ts';

/** What both comparisons of `model_deploy` have in common (cli.md 7.1). */
export interface Validation {
  /** Inputs of the lowered network. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly everyLayer: boolean;
  readonly excepts: readonly string[];
  readonly fuzzy: boolean;
  readonly terminal: Terminal;
}

export interface LoweredValidation extends Validation {
  readonly lowered: Graph;
  readonly tolerance: Tolerance;
  /** Float results by layer name. */
  readonly reference: Side;
  /** File for the results of the lowered network, and whether it is to be kept. */
  readonly resultFile: string;
  readonly keep: boolean;
}

export interface Verdict {
  readonly passed: boolean;
  /** Results of the lowered network. */
  readonly results: Side;
}

/** The lowered network against the float one: layers that both have, or the outputs only. */
export async function validateLowered(request: LoweredValidation): Promise<Verdict> {
  const { lowered, inputs, everyLayer, reference, tolerance, excepts, terminal, resultFile } = request;
  const tensors = await runNetwork(lowered, inputs, { allTensors: everyLayer, emit: terminal.emit });
  const results: Side = { name: resultFile, tensors };
  if (request.keep) writeFileWhole(resultFile, writeNpz(tensors));
  if (request.fuzzy) {
    return { passed: reportFuzzyMatch({ target: results, reference, tolerance, excepts, terminal }), results };
  }
  refuseStrangers(lowered, results, reference);
  const comparisons = reportComparison({ target: results, reference, tolerance, excepts, terminal });
  explainFailure(comparisons, tolerance, terminal);
  return { passed: comparisons.every(({ match }) => match.passed), results };
}

/** A reference of another network would pass, because nothing is compared: that is never what was meant. */
function refuseStrangers(lowered: Graph, target: Side, reference: Side): void {
  if ([...reference.tensors.keys()].some((name) => target.tensors.has(name))) return;
  throw new QError('the reference has none of the layers that are to be compared', {
    code: 'cli.nothing-to-compare',
    where: reference.name,
    expected: reportedOutputs(lowered).join(', '),
    hint: 'give the npz of model_transform --test_result, keyed by layer names',
  });
}

export interface ModelValidation extends Validation {
  /** The network as the written file holds it. */
  readonly model: Graph;
  readonly path: string;
  readonly lowered: Side;
  readonly tolerance: Tolerance;
}

/** The file of `--model`, read again and run, against the lowered network. */
export async function validateModel(request: ModelValidation): Promise<boolean> {
  const { model, inputs, everyLayer, lowered, tolerance, excepts, terminal, path } = request;
  const target: Side = { name: path, tensors: await runNetwork(model, inputs, { allTensors: everyLayer }) };
  const comparisons = reportComparison({ target, reference: lowered, tolerance, excepts, terminal });
  explainFailure(comparisons, tolerance, terminal);
  return comparisons.every(({ match }) => match.passed);
}

/** Results of `model_transform --test_result`. */
export function readReference(path: string): Side {
  return { name: path, tensors: readNpz(readInputFile(path, '--test_reference'), path) };
}
