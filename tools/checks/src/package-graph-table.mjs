// The package graph of ARCHITECTURE.md, as data. A new package, edge or third-party dependency is added here on purpose.

/**
 * @typedef {object} Row
 * @property {string[]} packages workspace packages it is built on; it may also use what those are built on
 * @property {string[]} thirdParty npm packages that reach its users
 * @property {string[]} [subpaths] further packages that only its subpath entries may use, never the main entry
 */

/** @type {Record<string, Row>} */
export const packageGraph = {
  'kernels-wasm': { packages: [], thirdParty: [] },
  ir: { packages: [], thirdParty: ['fflate', 'protobufjs'] },
  runtime: { packages: ['ir', 'kernels-wasm'], thirdParty: [] },
  dataset: { packages: ['ir'], thirdParty: ['@jsquash/jpeg', '@jsquash/png'] },
  calib: { packages: ['runtime', 'dataset'], thirdParty: [] },
  search: { packages: ['calib'], thirdParty: [] },
  evaluate: { packages: ['ir'], thirdParty: [] },
  'backend-bm1684x': { packages: ['ir'], thirdParty: [] },
  'backend-cv18xx': { packages: ['ir'], thirdParty: [] },
  'backend-spacemit': { packages: ['ir'], subpaths: ['calib'], thirdParty: ['jsonc-parser', 'valibot'] },
  cli: {
    packages: ['search', 'evaluate', 'backend-bm1684x', 'backend-cv18xx', 'backend-spacemit'],
    thirdParty: ['@jsquash/jpeg', '@jsquash/png', 'argparse', 'cli-progress', 'fflate', 'yaml'],
  },
};

/** Packages that run in Node only: they may import `node:` modules anywhere and need not bundle for a page. */
export const nodeOnlyPackages = ['cli'];

/**
 * Third-party packages that stay behind some folders of a package, so that its main entry does not carry them.
 * @type {{ package: string, behind: RegExp, dependency: string }[]}
 */
export const confinedDependencies = [
  { package: 'ir', behind: /^packages\/ir\/src\/(?:onnx|caffe|generated)\//, dependency: 'protobufjs' },
];
