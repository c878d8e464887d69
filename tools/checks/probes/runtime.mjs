import { createSession } from '@q/runtime';
import { same } from './expect.mjs';
import { answer, sample, tinyNetwork } from './tiny-network.mjs';

export default async function probe() {
  const session = await createSession(tinyNetwork());
  const outputs = session.run(new Map([['x', sample]]));
  same('output of the tiny network', [...(outputs.get('relu') ?? [])], answer);
  session.dispose();
}
