import type { Artefact, Emit, Graph, Plan, Precision } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { type OutputAgreement, OutputComparison } from '@q/search';
import type { EvaluationSamples } from './evaluation-samples.ts';

/** A quantized network, the plan that it was made by and the files it becomes. */
export interface Candidate {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly artefacts: readonly Artefact[];
}

export interface CandidateResult {
  readonly processor: string;
  readonly precision: Precision;
  readonly outputs: readonly OutputAgreement[];
  /** Fraction of samples whose largest value of the first output is the labelled class. */
  readonly top1?: number;
  /** Milliseconds per sample of the simulation. */
  readonly simulationMs: number;
}

export interface Evaluation {
  readonly samples: number;
  readonly floatTop1?: number;
  readonly floatMs: number;
  readonly candidates: readonly CandidateResult[];
}

/** One network under evaluation: its session and what was counted so far. */
class Runner {
  readonly comparison = new OutputComparison();
  readonly #session: Session;
  readonly #graph: Graph;
  #correct = 0;
  #milliseconds = 0;

  constructor(graph: Graph, session: Session) {
    this.#graph = graph;
    this.#session = session;
  }

  run(
    feeds: ReadonlyMap<string, Float32Array>,
    label: number | undefined,
  ): { name: string; data: ArrayLike<number> }[] {
    const started = performance.now();
    const outputs = this.#session.run(feeds);
    this.#milliseconds += performance.now() - started;
    const tensors = this.#graph.outputs.map((name) => ({ name, data: outputs.get(name) as ArrayLike<number> }));
    if (label !== undefined && indexOfLargest(tensors[0]!.data) === label) this.#correct++;
    return tensors;
  }

  top1(samples: number): number {
    return this.#correct / samples;
  }

  meanMs(samples: number): number {
    return this.#milliseconds / samples;
  }

  dispose(): void {
    this.#session.dispose();
  }
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

export interface EvaluationRequest {
  /** The float network: the reference. */
  readonly graph: Graph;
  readonly candidates: readonly Candidate[];
  readonly samples: EvaluationSamples;
  readonly emit: Emit;
}

/** Runs the float network and every candidate on every sample. */
export async function evaluateCandidates({ graph, candidates, samples, emit }: EvaluationRequest): Promise<Evaluation> {
  const { dataset, classes } = samples;
  const reference = new Runner(graph, await createSession(graph));
  const runners = await Promise.all(
    candidates.map(async (candidate) => new Runner(candidate.graph, await createSession(candidate.graph))),
  );
  try {
    for (let sample = 0; sample < dataset.length; sample++) {
      const feeds = await dataset.sample(sample);
      const label = classes?.[sample];
      const expected = reference.run(feeds, label);
      for (const runner of runners) runner.comparison.add(expected, runner.run(feeds, label));
      emit({ type: 'progress', task: 'compare with float', done: sample + 1, total: dataset.length });
    }
    return {
      samples: dataset.length,
      ...(classes === undefined ? {} : { floatTop1: reference.top1(dataset.length) }),
      floatMs: reference.meanMs(dataset.length),
      candidates: candidates.map((candidate, index) => ({
        processor: candidate.plan.processor,
        precision: candidate.plan.precision,
        outputs: runners[index]!.comparison.result(),
        ...(classes === undefined ? {} : { top1: runners[index]!.top1(dataset.length) }),
        simulationMs: runners[index]!.meanMs(dataset.length),
      })),
    };
  } finally {
    for (const runner of [reference, ...runners]) runner.dispose();
  }
}
