import { openDataset } from '@q/dataset';
import type { Graph, Tensor } from '@q/ir';
import { inputsOf, typeOf } from '@q/ir';
import { listedFilesSource } from '../files/folder-source.ts';

/** Feeds made of `--test_input`: one npz, or one image or npy per network input (cli.md 3.3). */
export async function readTestInput(
  graph: Graph,
  files: readonly string[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const dataset = await openDataset({
    source: listedFilesSource,
    graph,
    dataList: files.join(','),
    where: '--test_input',
  });
  return dataset.sample(0);
}

/** The same as tensors, to be written to `<name>_in_f32.npz`. */
export function inputTensors(graph: Graph, feeds: ReadonlyMap<string, Float32Array>): Map<string, Tensor> {
  return new Map(
    inputsOf(graph).map(({ name }) => [
      name,
      { shape: typeOf(graph, name)!.shape, dtype: 'f32', data: feeds.get(name)! },
    ]),
  );
}
