import { verify } from '@q/ir';
import { exportOnnx } from '@q/ir/onnx';
import { NetworkBuilder } from './network-builder.mjs';
import { networks } from './networks.mjs';
import { normalizeByData } from './normalize-by-data.mjs';
import { sampleImages } from './sample-images.mjs';

const SAMPLES = 8;

/**
 * A full-size network of the published architecture with seeded weights, as an ONNX file. The same name gives the same bytes.
 *
 * @param {keyof typeof networks} name
 * @returns {Promise<Uint8Array>}
 */
export async function generateNetwork(name) {
  const { build, size, preprocess } = networks[name];
  const net = new NetworkBuilder(name);
  const outputs = build(net);
  const graph = await normalizeByData(net, outputs, await sampleImages(SAMPLES, size, preprocess));
  const issues = verify(graph);
  if (issues.length > 0) throw new Error(`${name}: ${JSON.stringify(issues)}`);
  return exportOnnx(graph);
}
