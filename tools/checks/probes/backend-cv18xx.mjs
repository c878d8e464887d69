import { cv18xx } from '@q/backend-cv18xx';
import { lowerTinyNetwork } from './lower-tiny-network.mjs';

export default async function probe() {
  lowerTinyNetwork(cv18xx, 'cv183x');
}
