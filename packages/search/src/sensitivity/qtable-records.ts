import { digestOfText } from './digest.ts';
import { ScoreJournal, type ScoreJournalSetup } from './score-journal.ts';

/**
 * What the walk of `run_qtable` found, per sample. What a layer or a float set gives depends on all decisions before it, so
 * that records are named by these.
 */
export class QtableRecords {
  readonly #journal: ScoreJournal;
  readonly #known: ReadonlyMap<string, Float64Array>;
  #history: string;

  private constructor(journal: ScoreJournal, { sampleCount, history }: { sampleCount: number; history: string }) {
    this.#journal = journal;
    this.#history = history;
    const whole = journal.records.filter(
      ({ samples, scores }) => samples.length === sampleCount && scores.length === sampleCount,
    );
    this.#known = new Map(whole.map(({ effect, scores }) => [effect, Float64Array.from(scores)]));
  }

  /**
   * @param history what everything depends on
   * @throws QError `search.journal-differs`
   */
  static async open(setup: ScoreJournalSetup, history: string): Promise<QtableRecords> {
    return new QtableRecords(await ScoreJournal.open(setup), { sampleCount: setup.sampleCount, history });
  }

  /** Scores of single samples that came from the journal. */
  get resumed(): number {
    return this.#journal.resumed;
  }

  /** What was found before the search was interrupted. */
  known(what: string): Float64Array | undefined {
    return this.#known.get(this.#effect(what));
  }

  /** JSON has no other numbers than finite ones: others are found again. */
  async keep(what: string, scores: Float64Array): Promise<void> {
    if (!scores.every(Number.isFinite)) return;
    const samples = [...scores.keys()];
    await this.#journal.append([{ effect: this.#effect(what), samples, scores: [...scores] }]);
  }

  /** What follows depends on this, too. */
  decided(decision: string): void {
    this.#history = digestOfText(JSON.stringify([this.#history, decision]));
  }

  #effect(what: string): string {
    return `${this.#history} ${what}`;
  }
}
