import { type Graph, QError, readNpz, type Tensor, writeNpz } from '@q/ir';
import type { Tolerance } from '@q/search';
import { reportComparison, type Side } from '../deploy/comparison-report.ts';
import { readInputFile } from '../files/input-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { runAllLayers } from './layer-values.ts';
import { inputTensors, readTestInput } from './test-input.ts';

export interface Verification {
  readonly graph: Graph;
  /** The `.mlir` file of `graph`. */
  readonly target: string;
  readonly definition: string;
  readonly testInput: readonly string[];
  /** npz to write: every tensor of the network. */
  readonly testResult: string;
  /** npz of the framework's results; without it the network is run node by node. */
  readonly reference: string | undefined;
  readonly nodeByNode: () => Graph;
  readonly tolerance: Tolerance;
  readonly excepts: readonly string[];
  readonly keepsReference: boolean;
  readonly terminal: Terminal;
}

/**
 * Runs the network on `--test_input`, writes `<name>_in_f32.npz` and every tensor to `--test_result`, and compares those with the
 * reference (ir.md 8.7, cli.md 7.2). Resolves to whether every tensor that both have is similar enough.
 */
export async function verifyTransform(request: Verification): Promise<boolean> {
  const { graph, target, definition, testInput, testResult, tolerance, excepts, terminal } = request;
  const feeds = await readTestInput(graph, testInput);
  const inputPath = `${graph.name}_in_f32.npz`;
  const referencePath = request.reference ?? `${graph.name}_ref_outputs.npz`;
  const command = (model: string, output: string) =>
    terminal.print(
      `[CMD]: model_runner.py --input ${inputPath} --model ${model} --output ${output} --dump_all_tensors`,
    );
  const inputs = writeNpz(inputTensors(graph, feeds));
  if (request.reference === undefined) command(definition, referencePath);
  const reference =
    request.reference === undefined
      ? await runAllLayers(request.nodeByNode(), feeds)
      : readReference(graph, request.reference);
  command(target, testResult);
  const values = await runAllLayers(graph, feeds);
  writeFilesWhole([
    { path: inputPath, bytes: inputs },
    { path: testResult, bytes: writeNpz(values) },
    ...(request.keepsReference && request.reference === undefined
      ? [{ path: referencePath, bytes: writeNpz(reference) }]
      : []),
  ]);
  terminal.print(`${values.size} tensors saved to:${testResult}`);
  const compare = `npz_tool.py compare ${testResult} ${referencePath} --tolerance ${tolerance.join(',')} --except ${excepts.join(',')} -vv`;
  terminal.print(`[Running]: ${compare}`);
  const results = reportComparison({
    target: { name: testResult, tensors: layersOf(graph, values) },
    reference: { name: referencePath, tensors: reference },
    tolerance,
    excepts,
    terminal,
  });
  if (results.length === 0) throw nothingToCompare(graph, referencePath);
  const passed = results.every(({ match }) => match.passed);
  terminal.print(`${passed ? '[Success]' : '[!Error]'}: ${compare}`);
  return passed;
}

/** Inputs are the same on both sides by construction. */
function layersOf(graph: Graph, values: Side['tensors']): Side['tensors'] {
  const inputs = new Set(graph.ops.flatMap((op) => (op.type === 'top.Input' ? op.outputs : [])));
  return new Map([...values].filter(([name]) => !inputs.has(name)));
}

/** The framework's results; those under the framework's tensor names get the names of their layers. */
function readReference(graph: Graph, path: string): ReadonlyMap<string, Tensor> {
  const tensors = readNpz(readInputFile(path, '--test_reference'), path);
  const layerOf = new Map([...graph.tensorNames].map(([layer, tensor]) => [tensor, layer] as const));
  const nameOf = (name: string) => (graph.values.has(name) ? name : (layerOf.get(name) ?? name));
  return new Map([...tensors].map(([name, tensor]) => [nameOf(name), tensor] as const));
}

function nothingToCompare(graph: Graph, path: string): QError {
  return new QError('the reference has none of the layers of the network', {
    code: 'cli.nothing-to-compare',
    where: path,
    expected: `results under the names of tensors or layers, like ${graph.outputs.join(', ')}`,
  });
}
