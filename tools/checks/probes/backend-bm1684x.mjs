import { bm168x } from '@q/backend-bm1684x';
import { lowerTinyNetwork } from './lower-tiny-network.mjs';

export default async function probe() {
  lowerTinyNetwork(bm168x, 'bm1684x');
}
