import { contentOf, lineOf, ScoreJournal } from '../sensitivity/score-journal.ts';
import type { SearchJournal } from '../sensitivity/search-journal.ts';

interface NumberRecord {
  readonly name: string;
  readonly numbers: readonly number[];
}

/** Numbers by a name that says all they depend on, kept in a journal; without one only for the time of the search. */
export class NumberRecords {
  readonly #journal: SearchJournal | undefined;
  readonly #known = new Map<string, readonly number[]>();
  /** How many lists of numbers came from the journal. */
  readonly resumed: number;

  private constructor(journal: SearchJournal | undefined, records: readonly NumberRecord[]) {
    this.#journal = journal;
    for (const { name, numbers } of records) this.#known.set(name, numbers);
    this.resumed = records.length;
  }

  /** @throws QError `search.journal-differs` */
  static async open(journal: SearchJournal | undefined, fingerprint: string): Promise<NumberRecords> {
    await ScoreJournal.open({ journal, fingerprint, sampleCount: 0 });
    const records = (journal?.lines ?? []).flatMap((line) => contentOf(line) ?? []).filter(isNumberRecord);
    return new NumberRecords(journal, records);
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  known(name: string): readonly number[] | undefined {
    return this.#known.get(name);
  }

  /** JSON has only finite numbers: others are found again after an interruption. */
  async keep(name: string, numbers: readonly number[]): Promise<void> {
    this.#known.set(name, numbers);
    if (numbers.every(Number.isFinite)) await this.#journal?.append([lineOf({ name, numbers } satisfies NumberRecord)]);
  }

  /** What is known by that name, or what `find` answers. */
  async of(name: string, find: () => Promise<readonly number[]>): Promise<readonly number[]> {
    if (!this.has(name)) await this.keep(name, await find());
    return this.known(name)!;
  }
}

function isNumberRecord(content: unknown): content is NumberRecord {
  return typeof content === 'object' && content !== null && 'name' in content && 'numbers' in content;
}
