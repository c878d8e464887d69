import { type Graph, QError, readNpz, type Tensor } from '@q/ir';
import { matchLines, matchSummaryLines, matchTensor, type TensorMatch, type Tolerance } from '@q/search';
import { readInputFile } from '../files/input-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { runAllLayers } from './layer-values.ts';
import { readTestInput } from './test-input.ts';

export interface Verification {
  readonly graph: Graph;
  readonly lowered: Graph;
  readonly testInput: readonly string[];
  /** npz of float results by layer name; without it the float network is run here. */
  readonly reference?: string | undefined;
  readonly tolerance: Tolerance;
  readonly everyLayer: boolean;
  readonly terminal: Terminal;
}

/** Runs the lowered network and compares it with the float one as model_deploy does (cli.md 7.1). True when it agrees. */
export async function verifyLowered(verification: Verification): Promise<boolean> {
  const { graph, lowered, terminal } = verification;
  const feeds = await readTestInput(graph, verification.testInput);
  const reference =
    verification.reference === undefined
      ? await runAllLayers(graph, feeds)
      : readNpz(readInputFile(verification.reference, '--test_reference'), verification.reference);
  const target = await runAllLayers(lowered, feeds);
  const names = comparedNames(verification, reference, target);
  if (names.length === 0) {
    throw new QError('the reference has none of the layers that are to be compared', {
      code: 'cli.nothing-to-compare',
      where: verification.reference ?? graph.name,
      expected: outputLayers(lowered).join(', '),
      hint: 'give the npz of model_transform --test_result, keyed by layer names',
    });
  }
  const matches: TensorMatch[] = names.map((name) => {
    const found = target.get(name)!;
    const match = matchTensor(
      found.data as ArrayLike<number>,
      reference.get(name)!.data as ArrayLike<number>,
      verification.tolerance,
    );
    for (const line of matchLines(name, found.shape, match, true)) terminal.print(line);
    return match;
  });
  for (const line of matchSummaryLines(
    matches,
    `${lowered.name}_tpu_outputs`,
    verification.reference ?? `${graph.name}_top_outputs`,
  ))
    terminal.print(line);
  return matches.every((match) => match.passed);
}

/** Layers of the reference, in its order, that the lowered network has too: all, or its outputs. */
function comparedNames(
  { lowered, everyLayer }: Verification,
  reference: ReadonlyMap<string, Tensor>,
  target: ReadonlyMap<string, Tensor>,
): string[] {
  const outputs = new Set(outputLayers(lowered));
  return [...reference.keys()].filter((name) => target.has(name) && (everyLayer || outputs.has(name)));
}

/** Network outputs, and what a final cast was made of: the cast's own name has a suffix that no reference knows. */
function outputLayers(lowered: Graph): string[] {
  return lowered.outputs.flatMap((output) => {
    const op = lowered.ops.find((candidate) => candidate.outputs.includes(output));
    const source = op?.type === 'tpu.Cast' || op?.type === 'top.DequantizeLinear' ? op.inputs[0] : undefined;
    return typeof source === 'string' ? [output, source] : [output];
  });
}
