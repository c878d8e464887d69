import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkApiReports } from '../src/api-report.mjs';
import { lineDiff } from '../src/line-diff.mjs';
import { packageFiles, plant } from './fixture-tree.ts';

const secondEntry = {
  './extra': { '@q/source': './src/extra.ts', types: './dist/extra.d.ts', default: './dist/extra.js' },
};
const files = {
  ...packageFiles('one', { exports: secondEntry }),
  'packages/one/dist/index.d.ts': `import type { Hidden } from './hidden.ts';
/** Documented. */
export declare const zero: 0;
export interface Shape { /** rows */ readonly rows: number; hidden: Hidden }
export declare class Box { #private; private secret; readonly open: boolean; constructor(open: boolean) }
export { renamed as fresh } from './hidden.ts';
`,
  'packages/one/dist/hidden.d.ts':
    'export interface Hidden { deep: Deeper }\ninterface Deeper { n: number }\nexport declare function renamed(): void;\n',
  'packages/one/dist/extra.d.ts':
    "import type { Shape } from './index.ts';\nexport declare function area(shape: Shape): number;\n",
};

describe('API report', () => {
  test('holds every entry, sorted, without comments and private members, and what is named but not exported', () => {
    const root = plant(files);
    expect(checkApiReports(root, { update: true })).toEqual([]);
    expect(readFileSync(join(root, 'api', 'one.api.md'), 'utf8')).toBe(`# Public API of @q/one

Written by \`npm run api\` from the built declarations; not edited by hand.

## @q/one

\`\`\`ts
class Box {
    readonly open: boolean;
    constructor(open: boolean);
}
interface Shape {
    readonly rows: number;
    hidden: Hidden;
}
// renamed, exported as fresh
function renamed(): void
const zero: 0
\`\`\`

### Named by @q/one, exported nowhere

\`\`\`ts
interface Deeper {
    n: number;
}
interface Hidden {
    deep: Deeper;
}
\`\`\`

## @q/one/extra

\`\`\`ts
function area(shape: Shape): number
\`\`\`
`);
    expect(checkApiReports(root)).toEqual([]);
  });

  test('a changed signature shows as a diff and names the command', () => {
    const root = plant(files);
    checkApiReports(root, { update: true });
    const file = join(root, 'packages', 'one', 'dist', 'extra.d.ts');
    writeFileSync(file, readFileSync(file, 'utf8').replace('): number', '): bigint'));
    expect(checkApiReports(root)).toEqual([
      {
        where: 'api/one.api.md',
        message: 'the public API has changed',
        hint: '- function area(shape: Shape): number\n+ function area(shape: Shape): bigint\nif the change is meant: npm run api, and a changeset',
      },
    ]);
  });

  test('a missing report, a package that is not built, a report of no package', () => {
    expect(checkApiReports(plant(files)).map(({ where }) => where)).toEqual(['api/one.api.md']);
    expect(checkApiReports(plant(packageFiles('one'))).map(({ message }) => message)).toEqual(['is not built']);
    const stray = plant({ ...files, 'api/gone.api.md': '' });
    expect(checkApiReports(stray).map(({ where }) => where)).toEqual(['api/gone.api.md', 'api/one.api.md']);
  });
});

test('a diff leaves out what is the same and says how much it hides', () => {
  expect(lineDiff('a\nb\nc\nd', 'a\nc\nx\nd')).toBe('- b\n+ x');
  expect(lineDiff('1\n2\n3', '', 2)).toBe('- 1\n- 2\n… and 2 more lines');
});
