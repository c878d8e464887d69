import { type Graph, QError } from '@q/ir';
import { CandidateEffects } from './candidate-effect.ts';
import type { NetworkScores } from './plan-scores.ts';
import { ScoreJournal, type ScoreJournalSetup, type ScoreRecord } from './score-journal.ts';

export interface RecordedScoresSetup extends ScoreJournalSetup {
  readonly networks: NetworkScores;
  /** What effects are named by. */
  readonly base: Graph;
}

/**
 * Remembers scores by what a network computes, so that candidates of the same effect are evaluated once, and keeps them in
 * a journal, so that an interrupted search goes on where it was.
 */
export class RecordedScores implements NetworkScores {
  readonly #setup: RecordedScoresSetup;
  readonly #journal: ScoreJournal;
  readonly #effects: CandidateEffects;
  /** Per effect; not a number where a sample was not evaluated. */
  readonly #scores = new Map<string, Float64Array>();

  private constructor(setup: RecordedScoresSetup, journal: ScoreJournal) {
    this.#setup = setup;
    this.#journal = journal;
    this.#effects = new CandidateEffects(setup.base);
    for (const record of journal.records) this.#keep(record);
  }

  /** @throws QError `search.journal-differs` when the journal is that of another search. */
  static async open(setup: RecordedScoresSetup): Promise<RecordedScores> {
    return new RecordedScores(setup, await ScoreJournal.open(setup));
  }

  /** Scores that came from the journal. */
  get resumed(): number {
    return this.#journal.resumed;
  }

  /** The effect of a network, by which its scores are known. */
  effectOf(graph: Graph): string {
    return this.#effects.of(graph);
  }

  async scores(candidates: readonly Graph[], samples?: readonly number[]): Promise<Float64Array[]> {
    const wanted = samples ?? [...new Array(this.#setup.sampleCount).keys()];
    for (const { graphs, missing } of this.#missing(candidates, wanted).values()) {
      const found = await this.#setup.networks.scores([...graphs.values()], missing);
      const records = [...graphs.keys()].map((effect, index) => ({
        effect,
        samples: missing,
        scores: [...checked(found[index]!)],
      }));
      await this.#journal.append(records);
      for (const record of records) this.#keep(record);
    }
    return candidates.map((graph) => {
      const known = this.#scores.get(this.#effects.of(graph))!;
      return Float64Array.from(wanted, (sample) => known[sample]!);
    });
  }

  /** Networks of effects that lack scores, by the samples that they lack. */
  #missing(candidates: readonly Graph[], wanted: readonly number[]) {
    const groups = new Map<string, { readonly missing: readonly number[]; readonly graphs: Map<string, Graph> }>();
    for (const graph of candidates) {
      const effect = this.#effects.of(graph);
      const known = this.#scores.get(effect);
      const missing = wanted.filter((sample) => known === undefined || Number.isNaN(known[sample]!));
      if (missing.length === 0) continue;
      const key = missing.join();
      const group = groups.get(key) ?? { missing, graphs: new Map<string, Graph>() };
      group.graphs.set(effect, graph);
      groups.set(key, group);
    }
    return groups;
  }

  #keep({ effect, samples, scores }: ScoreRecord): void {
    const known = this.#scores.get(effect) ?? new Float64Array(this.#setup.sampleCount).fill(Number.NaN);
    samples.forEach((sample, index) => {
      known[sample] = scores[index]!;
    });
    this.#scores.set(effect, known);
  }
}

function checked(scores: Float64Array): Float64Array {
  if (scores.every(Number.isFinite)) return scores;
  throw new QError('The metric answered something that is no finite number.', {
    code: 'search.not-a-number',
    where: 'score',
    expected: 'a finite number per sample, larger is better',
  });
}
