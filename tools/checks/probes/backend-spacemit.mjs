import { spacemit } from '@q/backend-spacemit';
import { importOnnx } from '@q/ir/onnx';
import { same } from './expect.mjs';
import { tinyNetwork } from './tiny-network.mjs';
import { tinyPlan } from './tiny-plan.mjs';

export default async function probe() {
  const [processor = ''] = spacemit.processors;
  const plan = tinyPlan(processor);
  const [model] = spacemit.artefacts(spacemit.lower(tinyNetwork(), plan), plan);
  if (!model) throw new Error('a file was expected');
  const again = importOnnx(model.bytes, { name: 'again' });
  same('shape of the output', again.values.get(again.outputs[0] ?? '')?.shape, [1, 2, 2, 2]);
}
