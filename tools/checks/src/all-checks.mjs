import { join } from 'node:path';
import { checkApiReports } from './api-report.mjs';
import { checkChangesets } from './changesets.mjs';
import { checkFileLength } from './file-length.mjs';
import { checkFileNames } from './file-names.mjs';
import { checkImports } from './import-rules.mjs';
import { checkKernelBinary } from './kernel-binary.mjs';
import { checkMachineTraces } from './machine-traces.mjs';
import { checkPackageGraph } from './package-graph.mjs';
import { checkPackageMetadata } from './package-metadata.mjs';
import { checkPageTypes } from './page-types.mjs';
import { checkPublishable } from './publishable.mjs';
import { checkPublishedShape } from './published-shape.mjs';
import { checkUnused } from './unused.mjs';

/** @typedef {import('./problem.mjs').Check} Check */

/** Checks that only read the tree; the tests run them too. @type {Check[]} */
export const fastChecks = [
  {
    name: 'graph',
    proves: 'packages depend on what the architecture allows, without a cycle',
    run: async ({ root }) => checkPackageGraph(root),
  },
  {
    name: 'metadata',
    proves: 'every package.json says the same things in the same way',
    run: async ({ root }) => checkPackageMetadata(root),
  },
  {
    name: 'imports',
    proves: 'no import cycle, no reaching into another package, no Node in page code',
    run: ({ root }) => checkImports(root),
  },
  {
    name: 'names',
    proves: 'files and folders are named after what is in them',
    run: async ({ root }) => checkFileNames(root),
  },
  {
    name: 'length',
    proves: 'no file is too long to read',
    run: async ({ root }) => checkFileLength(root),
  },
  {
    name: 'traces',
    proves: 'no tracked file names a machine or a registry',
    run: async ({ root }) => checkMachineTraces(root),
  },
];

/** All of them, cheapest first. The later ones need a build. @type {Check[]} */
export const checks = [
  ...fastChecks,
  {
    name: 'changesets',
    proves: 'the next release can be planned',
    run: ({ root, log }) => checkChangesets(root, log),
  },
  {
    name: 'page-types',
    proves: 'page entries type-check without Node',
    run: async ({ root }) => checkPageTypes(root),
  },
  {
    name: 'unused',
    proves: 'no file, export or dependency is left over',
    run: ({ root }) => checkUnused(root),
  },
  {
    name: 'api',
    proves: 'the public API is the one in api/',
    run: async ({ root, update }) => checkApiReports(root, { update }),
  },
  {
    name: 'kernels',
    proves: 'the kernel binaries compile, import nothing, keep to their size and are documented',
    run: ({ root, log }) => checkKernelBinary(join(root, 'packages', 'kernels-wasm'), { log }),
  },
  {
    name: 'shape',
    proves: 'tarballs hold entries and types that resolve',
    run: ({ root, tarballs }) => checkPublishedShape(root, tarballs),
  },
  {
    name: 'alone',
    proves: 'each tarball installs, runs in Node and in a page',
    run: (context) => checkPublishable(context),
  },
];
