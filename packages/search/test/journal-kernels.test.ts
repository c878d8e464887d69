import { bm168x } from '@q/backend-bm1684x';
import { preferKernels } from '@q/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { fastSearch, qtableReport, runQtable, type SearchJournal } from '../src/index.ts';
import { journalOf } from './test-journal.ts';
import { toyNetwork, toyRanges, toySamples } from './toy-network.ts';

const graph = toyNetwork();
const options = {
  ...{ target: bm168x, processor: 'bm1684', graph, values: toyRanges(graph), samples: toySamples },
  ...{ expectedCos: 1.1, minLayerCos: 0.99999 },
};
const searches = [
  ['run_qtable', (journal: SearchJournal) => runQtable({ ...options, journal })],
  ['fast_search', (journal: SearchJournal) => fastSearch({ ...options, journal })],
] as const;

afterEach(() => preferKernels({}));

describe('a journal is of the kernels that made its scores', () => {
  it.each(searches)('%s', async (_, search) => {
    const plain = journalOf([]);
    await search(plain.journal);
    expect(plain.written[0]).toMatch(/^[0-9a-f]{8} \{"journal":1,"fingerprint":"[0-9a-f]+"\}$/);
    preferKernels({ binary: 'default', winograd: true });
    await expect(search(journalOf(plain.written).journal)).rejects.toMatchObject({
      code: 'search.journal-differs',
      message: expect.stringMatching(/of the default kernels.*with the winograd ones/),
      hint: expect.stringContaining('Q_KERNELS=default'),
    });
    const winograd = journalOf([]);
    await search(winograd.journal);
    await search(journalOf(winograd.written, 0).journal);
    preferKernels({});
    await expect(search(journalOf(winograd.written).journal)).rejects.toMatchObject({
      code: 'search.journal-differs',
      message: expect.stringMatching(/of the winograd kernels.*with the default ones/),
      hint: expect.stringContaining('Q_KERNELS=winograd'),
    });
  });
});

describe('a search that ended before anything was scored', () => {
  it('says so in sentences', async () => {
    const facts = { graph, mlirFile: 'net.mlir', expectedCos: 1.1, quantizeTable: 'qtable' };
    const ended = await runQtable({ ...options, budgetMilliseconds: 0 });
    const lines = qtableReport(ended, facts).map(({ text }) => text);
    expect(lines).toContain('int8 model: not known, the search was stopped before it was scored');
    expect(lines).toContain('mix model: not known, the search was stopped before it was scored');
    expect(lines.join()).not.toMatch(/nan|outputs_cos/i);
    const whole = qtableReport(await runQtable(options), facts).map(({ text }) => text);
    expect(whole).toContainEqual(expect.stringMatching(/^int8 outputs_cos:0\.\d{6} old$/));
    expect(whole).toContainEqual(expect.stringMatching(/^mix model outputs_cos:[01]\.\d{6}$/));
  });
});
