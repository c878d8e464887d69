import type { Feeds } from '@q/dataset';
import type { CollectedValue } from '../statistics/collector.ts';
import type { HistogramShape } from '../statistics/histogram-shape.ts';
import type { Scan } from '../tune/scan.ts';
import type { PlainError } from './plain-error.ts';
import type { MeasuredSample, ServiceSetup } from './service.ts';

/** What can be asked of a worker, and what it answers. */
export interface Calls {
  open: { ask: ServiceSetup; answer: undefined };
  measure: { ask: { feeds: Feeds; sample: string }; answer: MeasuredSample };
  count: { ask: { shapes: readonly (HistogramShape | undefined)[] }; answer: undefined };
  runAndCount: { ask: { feeds: Feeds; shapes: readonly (HistogramShape | undefined)[] }; answer: undefined };
  collected: { ask: undefined; answer: CollectedValue[] };
  scan: { ask: { feeds: Feeds; scans: readonly Scan[] }; answer: Float64Array[] };
}

export type CallName = keyof Calls;
export type Ask<C extends CallName> = Calls[C]['ask'];
export type Answer<C extends CallName> = Calls[C]['answer'];

export type CallMessage = {
  [C in CallName]: { readonly id: number; readonly call: C; readonly ask: Ask<C> };
}[CallName];

export interface AnswerMessage {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: PlainError;
}
