import { bm168x } from '@q/backend-bm1684x';
import { spacemit } from '@q/backend-spacemit';
import { calibrate } from '@q/calib';
import { type Graph, planFromTables, type Target } from '@q/ir';
import { exportOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { OutputComparison } from '@q/search';
import { beforeAll, describe, expect, it } from 'vitest';
import { isPresent, type Network, networkNames, openNetwork } from './networks.ts';
import { relativeError, runOnnx } from './onnxruntime.ts';

const SAMPLES = 8;

/**
 * Least plain cosine of the worst output against float, KL with the tuner, 8 samples. Measured with this suite, less a little: a number that
 * falls below means that the lowering or the calibration got worse.
 */
const leastCosine: Readonly<Record<string, { readonly bm1684x: number; readonly k1: number }>> = {
  'objects-cnn': { bm1684x: 0.998, k1: 0.998 },
  vww_96: { bm1684x: 0.99, k1: 0.99 },
  blazeface: { bm1684x: 0.995, k1: 0.995 },
  nanodet_m_320: { bm1684x: 0.96, k1: 0.97 },
};

/** QDQ in onnxruntime against our simulation of it: codes on the edge of rounding fall either way, and that adds up. */
const QDQ_COSINE = 0.995;

async function lowered(graph: Graph, network: Network, target: Target, processor: string) {
  const { table } = await calibrate(graph, network.samples);
  const plan = planFromTables({ processor, precision: 'INT8', calibrationTable: table });
  const result = target.lower(graph, plan);
  return { graph: result, artefacts: target.artefacts(result, plan) };
}

/** Outputs by position with the names of the source framework. */
function named(graph: Graph, outputs: ReadonlyMap<string, ArrayLike<number>>) {
  return graph.outputs.map((name) => ({ name: graph.tensorNames.get(name) ?? name, data: outputs.get(name)! }));
}

describe.each(networkNames)('%s', (name) => {
  let network: Network;
  let present = false;
  beforeAll(async () => {
    present = isPresent(name);
    if (present) network = await openNetwork(name, SAMPLES);
  });

  it('float: our runtime and our exported ONNX equal onnxruntime on the original file', async ({ skip }) => {
    if (!present) skip();
    const feeds = await network.samples.sample(0);
    const theirs = await runOnnx(network.bytes, feeds, network.graph);
    const exported = await runOnnx(exportOnnx(network.graph), feeds, network.graph);
    const session = await createSession(network.graph);
    for (const output of named(network.graph, session.run(feeds))) {
      expect(relativeError(output.data, theirs.get(output.name)!), output.name).toBeLessThan(1e-4);
      expect(relativeError(exported.get(output.name)!, theirs.get(output.name)!), output.name).toBeLessThan(1e-4);
    }
    session.dispose();
  });

  it('QDQ: onnxruntime runs the file and agrees with our simulation of it', async ({ skip }) => {
    if (!present) skip();
    const k1 = await lowered(network.graph, network, spacemit, 'k1');
    const file = k1.artefacts.find((artefact) => artefact.name.endsWith('.onnx'))!;
    const feeds = await network.samples.sample(0);
    const theirs = await runOnnx(file.bytes, feeds, k1.graph);
    const session = await createSession(k1.graph);
    const ours = named(k1.graph, session.run(feeds));
    const comparison = new OutputComparison();
    comparison.add(
      ours.map(({ name: output }) => ({ name: output, data: theirs.get(output)! })),
      ours,
    );
    for (const output of comparison.result()) expect(output.cosine, output.name).toBeGreaterThan(QDQ_COSINE);
    session.dispose();
  });

  it.each([
    ['bm1684x', bm168x],
    ['k1', spacemit],
  ] as const)('%s: INT8 keeps the float outputs', async (processor, target) => {
    if (!present) return;
    const quantized = await lowered(network.graph, network, target, processor);
    const [float, integer] = [await createSession(network.graph), await createSession(quantized.graph)];
    const comparison = new OutputComparison();
    for (let sample = 0; sample < network.samples.length; sample++) {
      const feeds = await network.samples.sample(sample);
      comparison.add(named(network.graph, float.run(feeds)), named(quantized.graph, integer.run(feeds)));
    }
    const worst = comparison.result().reduce((low, output) => (output.cosine < low.cosine ? output : low));
    console.log(
      `${name} on ${processor}: cosine ${worst.cosine.toFixed(6)}, SQNR ${worst.sqnrDb.toFixed(2)} dB (${worst.name})`,
    );
    expect(worst.cosine, worst.name).toBeGreaterThan(leastCosine[name]![processor]);
    float.dispose();
    integer.dispose();
  });
});
