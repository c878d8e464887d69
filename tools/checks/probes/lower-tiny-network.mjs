import { parseMlir, readNpz } from '@q/ir';
import { same } from './expect.mjs';
import { tinyNetwork } from './tiny-network.mjs';
import { tinyPlan } from './tiny-plan.mjs';

/**
 * Lowers the tiny network and reads back the two files that a Sophgo target writes.
 * @param {import('@q/ir').Target} target
 * @param {string} processor
 */
export function lowerTinyNetwork(target, processor) {
  const plan = tinyPlan(processor);
  const [text, weights] = target.artefacts(target.lower(tinyNetwork(), plan), plan);
  if (!text || !weights) throw new Error('two files were expected');
  const again = parseMlir(new TextDecoder().decode(text.bytes), readNpz(weights.bytes));
  same('state of the file', again.state, 'TPU_LOWERED');
  if (!again.ops.some(({ type }) => type === 'tpu.Conv2D')) throw new Error('the convolution was not lowered');
}
