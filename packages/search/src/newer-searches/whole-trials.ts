import type { Graph, Plan, Precision } from '@q/ir';
import { graphDigest } from '../sensitivity/candidate-effect.ts';
import { digestOfText } from '../sensitivity/digest.ts';
import { evaluateInFull, type FullEvaluation, referenceOutputs } from '../sensitivity/full-evaluation.ts';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { noSamples } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import { searchFingerprint } from '../sensitivity/search-fingerprint.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';
import { StopClock } from '../sensitivity/stop-clock.ts';
import { NumberRecords } from './number-records.ts';

/** What the searches of 2026 start from. */
export interface NewerSearchOptions extends SearchOptions {
  /** Layers that stay float whatever is found: shape computations and known patterns (search.md 7), or those of `--pre_qtable`. */
  readonly fixedFloat?: readonly string[];
}

/** INT8 everywhere but in the fixed layers, and the float type of layers that are not. */
export function startOf({ target, processor, values, floatType, fixedFloat = [] }: NewerSearchOptions): {
  readonly plan: Plan;
  readonly floatType: Precision;
} {
  const type = floatType ?? target.floatType(processor);
  const int8: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
  return { plan: withFloatOps(int8, fixedFloat, type, () => ({ code: 'default' })), floatType: type };
}

interface TrialRecords {
  readonly records: NumberRecords;
  readonly clock: StopClock;
}

/** Plans of one network, scored as a whole against float, each once; with a journal once for all times. */
export class WholeTrials {
  readonly options: NewerSearchOptions;
  readonly floatType: Precision;
  /** INT8 everywhere but in the fixed layers. */
  readonly plan: Plan;
  readonly evaluation: FullEvaluation;
  readonly #records: NumberRecords;
  readonly #clock: StopClock;

  private constructor(options: NewerSearchOptions, evaluation: FullEvaluation, { records, clock }: TrialRecords) {
    const { plan, floatType } = startOf(options);
    this.options = options;
    this.floatType = floatType;
    this.plan = plan;
    this.evaluation = evaluation;
    this.#records = records;
    this.#clock = clock;
  }

  /**
   * @param reference the network as it was trained, or in the float type of the mixed layers
   * @throws QError `search.samples-missing`, `search.journal-differs`; SearchStopped
   */
  static async open(options: NewerSearchOptions, reference: 'trained' | 'lowered'): Promise<WholeTrials> {
    const { graph, samples, score, compared, journal, onEvent } = options;
    if (samples.length === 0) throw noSamples();
    const clock = new StopClock(options);
    const network = reference === 'trained' ? graph : floatNetwork(options);
    const fingerprint = journal === undefined ? '' : await searchFingerprint(options, [network]);
    const records = await NumberRecords.open(journal, fingerprint);
    if (records.resumed > 0) onEvent?.({ type: 'resumed', scores: records.resumed });
    const outputs = await referenceOutputs(network, samples, compared, clock.check);
    const evaluation = { samples, reference: outputs, ...(score && { score }), ...(compared && { compared }) };
    return new WholeTrials(options, { ...evaluation, checkpoint: clock.check }, { records, clock });
  }

  /** Numbers that `what` says of a network: those that are known, or what `find` answers. @throws SearchStopped */
  async recorded(what: string, network: Graph, find: () => Promise<readonly number[]>): Promise<readonly number[]> {
    this.#clock.check();
    return this.#records.of(digestOfText(JSON.stringify([what, graphDigest(network)])), find);
  }

  withFloat(plan: Plan, layers: Iterable<string>): Plan {
    return withFloatOps(plan, layers, this.floatType, () => ({ code: 'default' }));
  }

  lower(plan: Plan): Graph {
    return this.options.target.lower(this.options.graph, plan, this.options.emit);
  }

  /** Score of a plan: the mean over samples. */
  async score(plan: Plan, evaluation: FullEvaluation = this.evaluation): Promise<number> {
    const network = this.lower(plan);
    const what = evaluation.samples.length === this.evaluation.samples.length ? 'scores' : 'score of the first sample';
    return meanOf(
      Float64Array.from(
        await this.recorded(what, network, async () => [...(await evaluateInFull(network, evaluation))]),
      ),
    );
  }

  /** The evaluation on one sample alone. */
  oneSample(index: number): FullEvaluation {
    const { samples, reference } = this.evaluation;
    return {
      ...this.evaluation,
      samples: { length: 1, sample: () => samples.sample(index) },
      reference: [reference[index]!],
    };
  }
}

function floatNetwork({ target, processor, graph, floatType }: NewerSearchOptions): Graph {
  const precision = floatType ?? target.floatType(processor);
  return target.lower(graph, { processor, precision, asymmetric: false, ops: new Map(), values: new Map() });
}
