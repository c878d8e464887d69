import type { Dataset, Feeds } from '@q/dataset';
import { bytesOf, type Graph, inputsOf, isQError } from '@q/ir';
import type { Finding } from './finding.ts';

const FEW = 10;
/** Beyond this, no 8-bit image with a usual mean and scale comes out of preprocessing. */
const LARGEST = 300;
const SMALLEST = 0.05;

/** The samples that could be read. */
export interface ReadSamples {
  readonly findings: readonly Finding[];
  readonly feeds: readonly Feeds[];
}

/** Reads the first `count` samples: which do not decode, which are the same, and whether their values are plausible. */
export async function examineSamples(graph: Graph, dataset: Dataset, count: number): Promise<ReadSamples> {
  const findings: Finding[] = [];
  if (dataset.length < FEW) {
    findings.push({
      code: 'doctor.few-samples',
      where: 'the samples',
      message: `there are only ${dataset.length}; thresholds of so few are chance`,
      hint: 'use 100 or more that look like what the network will see',
    });
  }
  const seen = new Map<string, string>();
  const feeds: Feeds[] = [];
  for (let i = 0; i < Math.min(count, dataset.length); i++) {
    const where = dataset.files(i).join(', ');
    try {
      const sample = await dataset.sample(i);
      feeds.push(sample);
      const hash = hashOf(sample);
      const twin = seen.get(hash);
      if (twin !== undefined) findings.push(duplicate(where, twin));
      else seen.set(hash, where);
    } catch (error) {
      if (!isQError(error)) throw error;
      findings.push(unreadable(where, error.message));
    }
  }
  return { findings: [...findings, ...examineValues(graph, feeds)], feeds };
}

function duplicate(where: string, twin: string): Finding {
  return {
    code: 'doctor.duplicates',
    where,
    message: `it has the same pixels as ${twin}`,
    hint: 'a sample that occurs twice counts twice: leave copies out',
  };
}

function unreadable(where: string, message: string): Finding {
  return {
    code: 'doctor.unreadable-sample',
    where,
    message: `it cannot be read: ${message}`,
    hint: 'calibration ends at this sample: replace it or leave it out',
  };
}

/** Values of images after preprocessing. */
function examineValues(graph: Graph, feeds: readonly Feeds[]): Finding[] {
  return inputsOf(graph).flatMap(({ name, attributes }): Finding[] => {
    if (!attributes.doPreprocess || feeds.length === 0) return [];
    let largest = 0;
    for (const sample of feeds)
      for (const value of sample.get(name) ?? []) largest = Math.max(largest, Math.abs(value));
    if (largest <= LARGEST && largest >= SMALLEST) return [];
    const { mean = [], scale = [] } = attributes;
    return [
      {
        code: 'doctor.input-scale',
        where: name,
        message: `after preprocessing (mean ${mean.join(',')}, scale ${scale.join(',')}) the largest magnitude is ${largest.toPrecision(3)}`,
        hint: 'mean is on the 0..255 range and scale multiplies: 1/std, not std; check that neither is applied twice',
      },
    ];
  });
}

/** FNV-1a over the bytes, with the length. */
function hashOf(feeds: Feeds): string {
  let hash = 0x811c9dc5;
  let length = 0;
  for (const data of feeds.values()) {
    const words = new Uint32Array(bytesOf(data).slice().buffer);
    for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
    length += words.length;
  }
  return `${hash >>> 0}:${length}`;
}
