import { type Graph, writeNpz } from '@q/ir';
import { writeFilesWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { runAllLayers } from './layer-values.ts';
import { inputTensors, readTestInput } from './test-input.ts';

/** Runs the network on `--test_input` and writes `<name>_in_f32.npz` and every tensor to `--test_result`. */
export async function writeTestResult(
  graph: Graph,
  testInput: readonly string[],
  path: string,
  terminal: Terminal,
): Promise<void> {
  const feeds = await readTestInput(graph, testInput);
  const inputPath = `${graph.name}_in_f32.npz`;
  const values = await runAllLayers(graph, feeds);
  writeFilesWhole([
    { path: inputPath, bytes: writeNpz(inputTensors(graph, feeds)) },
    { path, bytes: writeNpz(values) },
  ]);
  terminal.print(
    `[CMD]: model_runner.py --input ${inputPath} --model ${graph.name}.mlir --output ${path} --dump_all_tensors`,
  );
  terminal.print(`${values.size} tensors saved to:${path}`);
}
