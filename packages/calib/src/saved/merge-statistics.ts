import { QError } from '@q/ir';
import { mergeDistributions } from '../pooled/distribution.ts';
import { checkFingerprint } from './fingerprint.ts';
import { pooledValues, type SavedStatistics } from './saved-statistics.ts';

/**
 * The statistics of two sets of samples together. Only `pooled` ones can be merged; then any split of the samples, merged in
 * any order, gives the same.
 *
 * @throws QError `calib.statistics.merge`, `calib.statistics.model`
 */
export function mergeSavedStatistics(a: SavedStatistics, b: SavedStatistics): SavedStatistics {
  const [own, other] = [pooledValues(a), pooledValues(b)];
  if (own === undefined || other === undefined) {
    const found = own === undefined ? a.profile : b.profile;
    throw new QError(`Statistics of profile ${found} cannot be merged: they depend on the order of the samples.`, {
      code: 'calib.statistics.merge',
      found,
      expected: 'pooled',
      hint: 'collect them with --profile pooled',
    });
  }
  checkFingerprint(b.fingerprint, a.fingerprint, 'to be merged');
  return {
    ...a,
    sampleCount: a.sampleCount + b.sampleCount,
    values: new Map([...own].map(([name, value]) => [name, mergeDistributions(value, other.get(name)!)])),
  };
}
