import { crc32, type Graph, QError } from '@q/ir';
import { CandidateEffects } from './candidate-effect.ts';
import type { NetworkScores } from './plan-scores.ts';
import type { SearchJournal } from './search-journal.ts';

export interface RecordedScoresSetup {
  readonly networks: NetworkScores;
  /** What effects are named by. */
  readonly base: Graph;
  readonly sampleCount: number;
  readonly journal?: SearchJournal | undefined;
  /** What scores depend on besides effects; a journal of another one is refused. */
  readonly fingerprint?: string | undefined;
}

/**
 * Remembers scores by what a network computes, so that candidates of the same effect are evaluated once, and keeps them in
 * a journal, so that an interrupted search goes on where it was.
 */
export class RecordedScores implements NetworkScores {
  readonly #setup: RecordedScoresSetup;
  readonly #effects: CandidateEffects;
  /** Per effect; not a number where a sample was not evaluated. */
  readonly #scores = new Map<string, Float64Array>();
  /** Scores that came from the journal. */
  readonly resumed: number;

  private constructor(setup: RecordedScoresSetup, resumed: readonly JournalRecord[]) {
    this.#setup = setup;
    this.#effects = new CandidateEffects(setup.base);
    for (const record of resumed) this.#keep(record);
    this.resumed = resumed.reduce((sum, { samples }) => sum + samples.length, 0);
  }

  /** @throws QError `search.journal-differs` when the journal is that of another search. */
  static async open(setup: RecordedScoresSetup): Promise<RecordedScores> {
    const { journal, fingerprint = '' } = setup;
    if (journal === undefined) return new RecordedScores(setup, []);
    const [first, ...rest] = journal.lines;
    const head = lineOf({ journal: 1, fingerprint });
    if (first === undefined) await journal.append([head]);
    else if (first !== head) throw differs(first);
    const records = rest.flatMap((line) => contentOf(line) ?? []);
    return new RecordedScores(
      setup,
      records.filter(isRecord).filter(({ samples }) => fits(samples, setup)),
    );
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
      await this.#setup.journal?.append(records.map(lineOf));
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

  #keep({ effect, samples, scores }: JournalRecord): void {
    const known = this.#scores.get(effect) ?? new Float64Array(this.#setup.sampleCount).fill(Number.NaN);
    samples.forEach((sample, index) => {
      known[sample] = scores[index]!;
    });
    this.#scores.set(effect, known);
  }
}

interface JournalRecord {
  readonly effect: string;
  readonly samples: readonly number[];
  readonly scores: readonly number[];
}

function checked(scores: Float64Array): Float64Array {
  if (scores.every(Number.isFinite)) return scores;
  throw new QError('The metric answered something that is no finite number.', {
    code: 'search.not-a-number',
    where: 'score',
    expected: 'a finite number per sample, larger is better',
  });
}

/** A line says its own checksum, so that damage is noticed. */
function lineOf(content: object): string {
  const text = JSON.stringify(content);
  return `${crc32(new TextEncoder().encode(text)).toString(16).padStart(8, '0')} ${text}`;
}

/** What a line says; nothing when it is damaged: its scores are then found again. */
function contentOf(line: string): unknown[] | undefined {
  const text = line.slice(9);
  try {
    const content: unknown = JSON.parse(text);
    return lineOf(content as object) === line ? [content] : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(content: unknown): content is JournalRecord {
  return typeof content === 'object' && content !== null && 'effect' in content && 'samples' in content;
}

function fits(samples: readonly number[], { sampleCount }: RecordedScoresSetup): boolean {
  return samples.every((sample) => sample < sampleCount);
}

function differs(found: string): QError {
  return new QError(
    'The journal is that of another search: the model, the data, the settings or the version changed.',
    {
      code: 'search.journal-differs',
      where: 'journal',
      found: found.slice(0, 120),
      expected: 'a journal of this very search',
      hint: 'give another file, or remove this one to start again',
    },
  );
}
