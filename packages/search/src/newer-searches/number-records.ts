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

  /** What is known by that name, or what `find` answers. JSON has only finite numbers: others are found again. */
  async of(name: string, find: () => Promise<readonly number[]>): Promise<readonly number[]> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const numbers = await find();
    this.#known.set(name, numbers);
    if (numbers.every(Number.isFinite)) await this.#journal?.append([lineOf({ name, numbers } satisfies NumberRecord)]);
    return numbers;
  }
}

function isNumberRecord(content: unknown): content is NumberRecord {
  return typeof content === 'object' && content !== null && 'name' in content && 'numbers' in content;
}
