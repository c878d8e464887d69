import { bm168x } from '@q/backend-bm1684x';
import { parseMlir, readNpz } from '@q/ir';
import { same } from './expect.mjs';
import { tinyNetwork } from './tiny-network.mjs';
import { tinyPlan } from './tiny-plan.mjs';

export default async function probe() {
  const plan = tinyPlan('bm1684x');
  const [text, weights] = bm168x.artefacts(bm168x.lower(tinyNetwork(), plan), plan);
  if (!text || !weights) throw new Error('two files were expected');
  const again = parseMlir(new TextDecoder().decode(text.bytes), readNpz(weights.bytes));
  same('state of the file', again.state, 'TPU_LOWERED');
  if (!again.ops.some(({ type }) => type.startsWith('tpu.'))) throw new Error('nothing was lowered');
}
