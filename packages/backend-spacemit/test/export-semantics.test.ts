import { readdirSync, readFileSync } from 'node:fs';
import { elementCount, type Graph, inputsOf, isQError } from '@q/ir';
import { exportOnnx, importOnnx } from '@q/ir/onnx';
import { expect, it } from 'vitest';
import { noise, run } from './graph-builder.ts';
import { sharedFolder } from './shared-folder.ts';

/** What the graph computes from noise; undefined when an operator cannot run or wants particular numbers (indices, sizes). */
async function outputsOf(graph: Graph): Promise<Float32Array[] | undefined> {
  const feeds = inputsOf(graph).map(
    ({ name }, i) => [name, noise(elementCount(graph.values.get(name)!.shape), i + 1)] as const,
  );
  try {
    return [...(await run(graph, new Map(feeds))).values()];
  } catch (error) {
    if (isQError(error)) return undefined;
    throw error;
  }
}

function exported(file: Uint8Array, name: string): { graph: Graph; back: Graph } | undefined {
  try {
    const graph = importOnnx(file, { name });
    if (graph.outputs.length === 0 || graph.outputs.some((output) => !graph.values.has(output))) return undefined;
    return { graph, back: importOnnx(exportOnnx(graph), { name }) };
  } catch (error) {
    if (isQError(error)) return undefined;
    throw error;
  }
}

it('an exported graph, imported again, computes the same (ONNX operator cases)', async () => {
  const folder = sharedFolder('data/onnx-node-tests');
  if (folder === undefined) return;
  const different: string[] = [];
  let compared = 0;
  // Noise makes no indices and no lengths of a cache; and negative numbers have no defined conversion to unsigned integers,
  // which ours wrap.
  const cases = readdirSync(folder).filter((name) => !/gather|scatter|uint|padded_kv/.test(name));
  for (const name of cases) {
    const pair = exported(readFileSync(`${folder}/${name}/model.onnx`), name);
    const expected = pair && (await outputsOf(pair.graph));
    if (pair === undefined || expected === undefined) continue;
    const found = await outputsOf(pair.back);
    compared++;
    const isSame = found?.every((values, i) =>
      values.every((value, k) => Math.abs(value - expected[i]![k]!) <= 1e-5 * Math.max(1, Math.abs(value))),
    );
    if (!isSame) different.push(name);
  }
  console.log(`${compared} operator cases compared`);
  expect(different).toEqual([]);
  expect(compared).toBeGreaterThan(150);
});
