import { crc32, QError } from '@q/ir';
import { isKernelVariant, type KernelVariant, kernelVariant } from '@q/runtime';
import type { SearchJournal } from './search-journal.ts';

/** Scores of something, by a name that says all they depend on. */
export interface ScoreRecord {
  readonly effect: string;
  readonly samples: readonly number[];
  readonly scores: readonly number[];
}

export interface ScoreJournalSetup {
  readonly sampleCount: number;
  readonly journal?: SearchJournal | undefined;
  /** What scores depend on besides effects; a journal of another one is refused. */
  readonly fingerprint?: string | undefined;
}

/** Reads and writes the records of a search in a journal; without one, nothing is known and nothing kept. */
export class ScoreJournal {
  /** What an interrupted search left. */
  readonly records: readonly ScoreRecord[];
  readonly #journal: SearchJournal | undefined;

  private constructor(journal: SearchJournal | undefined, records: readonly ScoreRecord[]) {
    this.#journal = journal;
    this.records = records;
  }

  /** @throws QError `search.journal-differs` when the journal is that of another search, or of other kernels. */
  static async open({ journal, fingerprint = '', sampleCount }: ScoreJournalSetup): Promise<ScoreJournal> {
    if (journal === undefined) return new ScoreJournal(undefined, []);
    const [first, ...rest] = journal.lines;
    const kernels = kernelVariant();
    const head = headOf(fingerprint, kernels);
    if (first === undefined) await journal.append([head]);
    else if (first !== head) throw differs(first, kernels, journal.where);
    const records = rest.flatMap((line) => contentOf(line) ?? []).filter(isRecord);
    return new ScoreJournal(
      journal,
      records.filter(({ samples }) => samples.every((sample) => sample < sampleCount)),
    );
  }

  /** Scores of single samples that were found before. */
  get resumed(): number {
    return this.records.reduce((sum, { samples }) => sum + samples.length, 0);
  }

  async append(records: readonly ScoreRecord[]): Promise<void> {
    await this.#journal?.append(records.map(lineOf));
  }
}

/** A line says its own checksum, so that damage is noticed. */
export function lineOf(content: object): string {
  const text = JSON.stringify(content);
  return `${crc32(new TextEncoder().encode(text)).toString(16).padStart(8, '0')} ${text}`;
}

/** What a line says; nothing when it is damaged: its scores are then found again. */
export function contentOf(line: string): unknown[] | undefined {
  const text = line.slice(9);
  try {
    const content: unknown = JSON.parse(text);
    return lineOf(content as object) === line ? [content] : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(content: unknown): content is ScoreRecord {
  return typeof content === 'object' && content !== null && 'effect' in content && 'samples' in content;
}

/** The first line; the default kernels are those that it does not name. */
function headOf(fingerprint: string, kernels: KernelVariant): string {
  return lineOf({ journal: 1, fingerprint, ...(kernels !== 'default' && { kernels }) });
}

/** Which kernels a first line names, if it is one. */
function kernelsOf(line: string): KernelVariant | undefined {
  const [content] = contentOf(line) ?? [];
  if (typeof content !== 'object' || content === null || !('journal' in content)) return undefined;
  const kernels = 'kernels' in content ? content.kernels : 'default';
  return isKernelVariant(kernels) ? kernels : undefined;
}

function differs(found: string, own: KernelVariant, where = 'journal'): QError {
  const kernels = kernelsOf(found);
  return kernels === undefined || kernels === own ? otherSearch(found, where) : otherKernels(kernels, own, where);
}

function otherKernels(found: KernelVariant, own: KernelVariant, where: string): QError {
  return new QError(
    `The scores of the journal are of the ${found} kernels, this search computes with the ${own} ones.`,
    {
      code: 'search.journal-differs',
      where,
      found: `kernels ${found}`,
      expected: `kernels ${own}`,
      hint: `choose the ${found} kernels again (on the command line Q_KERNELS=${found}), or give another file to search with the ${own} ones`,
    },
  );
}

function otherSearch(found: string, where: string): QError {
  return new QError(
    'The journal is that of another search: the model, the data, the settings or the version changed.',
    {
      code: 'search.journal-differs',
      where,
      // Any file may have been named.
      found: found.slice(0, 120).replaceAll(/[^ -~]/g, '?'),
      expected: 'a journal of this very search',
      hint: 'give another file, or remove this one to start again',
    },
  );
}
