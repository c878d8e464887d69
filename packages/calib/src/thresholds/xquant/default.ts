import type { ThresholdMethod } from '../method.ts';
import { searchedBy } from './search.ts';

/** The range of least divergence plus scaled squared error. */
export const xquantDefault: ThresholdMethod = searchedBy('default');
