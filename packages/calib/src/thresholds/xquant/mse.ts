import type { ThresholdMethod } from '../method.ts';
import { searchedBy } from './search.ts';

/** The range of least squared error; of equal ones that of less divergence. */
export const xquantMse: ThresholdMethod = searchedBy('mse');
