import { type Graph, QError } from '@q/ir';
import type { Gathered } from './decisions.ts';
import type { ObservedValues } from './observed-values.ts';
import type { CalibrationSettings } from './options.ts';
import { collectPooled, collectPooledInWorkers } from './pooled/collect.ts';
import { checkFingerprint, fingerprintOf } from './saved/fingerprint.ts';
import { type EraValue, pooledValues, type SavedStatistics } from './saved/saved-statistics.ts';
import { type CollectionJob, collectStatistics } from './statistics/collect.ts';
import { type CollectionPlan, planCollection } from './statistics/collection-plan.ts';
import type { ValueStatistics } from './statistics/value-statistics.ts';
import { type Needs, unionOfNeeds } from './thresholds/method.ts';
import { methodTable } from './thresholds/method-table.ts';
import type { CalibrationPool } from './workers/calibration-pool.ts';
import { collectInWorkers } from './workers/collect-in-workers.ts';

/** What the settings need of the samples. */
export function needsOf({ methodName, bits, kurtosis, keepStatistics, profile }: CalibrationSettings): Needs {
  const method: { needs: Needs; needs4?: Needs } = methodTable[methodName];
  const own = [method.needs, ...(bits === 4 ? [method.needs4 ?? method.needs] : [])];
  const extra: Needs[] = kurtosis ? [{ histogram: false, numbers: ['kurtosis'] }] : [];
  if (keepStatistics === false) return unionOfNeeds([...own, ...extra]);
  // Whatever one pass can give: a window, raw values and observers are not kept in files.
  const all = (keepStatistics === true ? profile.methods : keepStatistics)
    .map((name): { needs: Needs; needs4?: Needs } => methodTable[name])
    .flatMap(({ needs, needs4 }) => (needs4 === undefined ? [needs] : [needs, needs4]))
    .filter(({ window, raw, observer }) => !window && !raw && !observer);
  return unionOfNeeds([...own, ...all, ...extra]);
}

/** The plan of the collection that the settings ask for. */
export function planFor(
  observed: ObservedValues,
  settings: CalibrationSettings,
  asymmetric: ReadonlySet<string>,
): CollectionPlan {
  const { sampleCount, profile, percentileShare } = settings;
  return planCollection(observed, needsOf(settings), {
    sampleCount,
    percentileTails: profile.percentileTails,
    emptyOctav: profile.emptyOctav,
    asymmetric,
    percentileShare,
  });
}

/** Collects what the plan says, here or in workers; any number of them gives the same. */
export async function gather(
  graph: Graph,
  settings: CalibrationSettings,
  plan: CollectionPlan,
  pool: CalibrationPool | undefined,
): Promise<Gathered> {
  const { dataset, sampleCount, profile, histogramBins, emit } = settings;
  const observer = needsOf(settings).observer === true;
  const job: CollectionJob = { graph, dataset, sampleCount, plan, profile, histogramBins, observer, emit };
  if (profile.statistics === 'pooled') {
    const distributions = pool === undefined ? await collectPooled(job) : await collectPooledInWorkers(job, pool);
    return { kind: 'pooled', distributions };
  }
  const here = pool === undefined || observer;
  return { kind: 'era', statistics: here ? await collectStatistics(job) : await collectInWorkers(job, pool) };
}

/** What a file holds, in the order of the plan, if it suffices. @throws QError `calib.statistics.*` */
export async function gatherSaved(
  graph: Graph,
  settings: CalibrationSettings,
  observed: ObservedValues,
): Promise<Gathered> {
  const saved = settings.statistics!;
  checkFingerprint(saved.fingerprint, await fingerprintOf(graph), 'given');
  if (saved.profile !== settings.profile.name) {
    throw insufficient(`profile ${saved.profile}`, `profile ${settings.profile.name}`);
  }
  const values = observed.values.map(({ name }) => saved.values.get(name));
  const missing = observed.values.find((_, at) => values[at] === undefined);
  if (missing !== undefined) throw insufficient(`nothing about ${missing.name}`, 'every layer of the network');
  const pooled = pooledValues(saved);
  if (pooled) return { kind: 'pooled', distributions: observed.values.map(({ name }) => pooled.get(name)!) };
  const statistics = values as EraValue[];
  checkSuffices(settings, statistics);
  return { kind: 'era', statistics };
}

function checkSuffices(settings: CalibrationSettings, values: readonly ValueStatistics[]): void {
  const needs = needsOf({ ...settings, keepStatistics: false });
  const beyond = (['window', 'raw', 'observer'] as const).find((key) => needs[key] === true);
  const lacking = (needs.numbers ?? []).find((kind) => values.some(({ numbers }) => numbers?.[kind] === undefined));
  const histogram = needs.histogram && values.some(({ histogram, absMax }) => histogram === undefined && absMax > 0);
  const tails = needs.tails === 'all' && values.some((value) => value.tails === undefined);
  if (beyond === undefined && lacking === undefined && !histogram && !tails) return;
  const what = beyond ?? lacking ?? (histogram ? 'histograms' : 'tails');
  throw insufficient('what other methods need', `${what}, which ${settings.methodName} needs`);
}

function insufficient(found: string, expected: string): QError {
  return new QError(`The statistics hold ${found}; ${expected} is asked for.`, {
    code: 'calib.statistics.lacking',
    found,
    expected,
    hint: 'collect them again with this method and profile',
  });
}

/** What was collected, to be written to a file. */
export async function toSaved(
  graph: Graph,
  settings: CalibrationSettings,
  observed: ObservedValues,
  gathered: Gathered,
): Promise<SavedStatistics> {
  const { profile, sampleCount, histogramBins } = settings;
  const entries = <T>(values: readonly T[]) => new Map(observed.values.map(({ name }, at) => [name, values[at]!]));
  return {
    profile: profile.name,
    fingerprint: await fingerprintOf(graph),
    sampleCount,
    histogramBins,
    values: gathered.kind === 'pooled' ? entries(gathered.distributions) : entries<EraValue>(gathered.statistics),
  };
}
