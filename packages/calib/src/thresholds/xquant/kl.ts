import type { ThresholdMethod } from '../method.ts';
import { searchedBy } from './search.ts';

/** The range of least divergence. */
export const xquantKl: ThresholdMethod = searchedBy('kl');
