import type { Emit, Graph, Precision, Target, ValueRange } from '@q/ir';
import type { WorkerPort } from '@q/runtime';
import type { SampleScore } from './sample-score.ts';
import type { SearchSamples } from './samples.ts';
import type { OnSearchEvent } from './search-event.ts';
import type { SearchJournal } from './search-journal.ts';

/** What the searches over float layers have in common. */
export interface SearchOptions {
  readonly target: Target;
  readonly processor: string;
  /** A float network with the names that tables use (Top dialect, canonical). */
  readonly graph: Graph;
  /** Rows of the calibration table that the search starts from. */
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly samples: SearchSamples;
  /** Float type of mixed layers; the processor's own by default. */
  readonly floatType?: Precision;
  /** A network that scores more than this in INT8 needs no search. Default 0.99. */
  readonly expectedCos?: number;
  readonly score?: SampleScore;
  /** Layers to compare instead of the outputs (`--global_compare_layers`). */
  readonly compared?: readonly string[];
  /** Bytes of values that may be kept per search from one candidate to the next. */
  readonly frontierBytes?: number;
  readonly emit?: Emit;
  readonly onEvent?: OnSearchEvent;
  /**
   * `exhaustive` (default) evaluates every candidate on all samples and answers the vendor's full list. `racing` drops candidates
   * as soon as samples show that they matter neither for the float set nor for a decided threshold: those are the same,
   * the other layers keep their base threshold and are marked undecided.
   */
  readonly effort?: SearchEffort;
  /** Time after which the search stops with the best plan so far. */
  readonly budgetMilliseconds?: number;
  /** Where finished evaluations are recorded and found again after an interruption. */
  readonly journal?: SearchJournal;
  /** Threads that share the samples, default 1; any number gives the same result. With a `score` of your own: this one only. */
  readonly workers?: number;
  /** Starts a worker that serves `@q/search/search-task`, for pages whose bundler must see `new Worker(…)`. */
  readonly spawnWorker?: (index: number) => WorkerPort;
  /** What scores depend on besides the other options, such as the text of a metric's module: guards the journal. */
  readonly recipe?: string;
  /** When raised, the search stops with the best plan so far. */
  readonly signal?: AbortSignal;
}

export type SearchEffort = 'exhaustive' | 'racing';
