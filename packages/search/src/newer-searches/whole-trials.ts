import type { Graph, Plan, Precision } from '@q/ir';
import { evaluateInFull, type FullEvaluation, referenceOutputs } from '../sensitivity/full-evaluation.ts';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { noSamples } from '../sensitivity/run-sensitive-layer.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';

/** What the searches of 2026 start from. */
export interface NewerSearchOptions extends SearchOptions {
  /** Layers that stay float whatever is found: shape computations and known patterns (search.md 7), or those of `--pre_qtable`. */
  readonly fixedFloat?: readonly string[];
}

/** Plans of one network, scored as a whole against float. */
export class WholeTrials {
  readonly options: NewerSearchOptions;
  readonly floatType: Precision;
  /** INT8 everywhere but in the fixed layers. */
  readonly plan: Plan;
  readonly evaluation: FullEvaluation;

  private constructor(options: NewerSearchOptions, evaluation: FullEvaluation) {
    const { target, processor, values, fixedFloat = [] } = options;
    this.options = options;
    this.floatType = options.floatType ?? target.floatType(processor);
    this.evaluation = evaluation;
    const int8: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
    this.plan = this.withFloat(int8, fixedFloat);
  }

  /** @param reference the network as it was trained, or in the float type of the mixed layers */
  static async open(options: NewerSearchOptions, reference: 'trained' | 'lowered'): Promise<WholeTrials> {
    const { graph, samples, score, compared } = options;
    if (samples.length === 0) throw noSamples();
    const network = reference === 'trained' ? graph : floatNetwork(options);
    const outputs = await referenceOutputs(network, samples, compared);
    const evaluation = { samples, reference: outputs, ...(score && { score }), ...(compared && { compared }) };
    return new WholeTrials(options, evaluation);
  }

  withFloat(plan: Plan, layers: Iterable<string>): Plan {
    return withFloatOps(plan, layers, this.floatType, () => ({ code: 'default' }));
  }

  lower(plan: Plan): Graph {
    return this.options.target.lower(this.options.graph, plan, this.options.emit);
  }

  /** Score of a plan: the mean over samples. */
  async score(plan: Plan, evaluation: FullEvaluation = this.evaluation): Promise<number> {
    return meanOf(await evaluateInFull(this.lower(plan), evaluation));
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
