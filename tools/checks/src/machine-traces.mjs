import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trackedFiles } from './tracked-files.mjs';

/** @typedef {import('./problem.mjs').Problem} Problem */

const traces = [
  { pattern: /(?<![\w.~$}/-])\/(?:home|root|Users|work|mnt|srv)\/[\w.-]+/, message: 'holds a path of one machine' },
  { pattern: /\b[A-Z]:\\(?:Users|work|src)\\/, message: 'holds a path of one machine' },
  { pattern: /https?:\/\/[\w.-]*(?:registry|artifactory|nexus|verdaccio)[\w.-]*/, message: 'names a package registry' },
  {
    pattern: /\bhttps?:\/\/(?:localhost|127\.0\.0\.1|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+):\d+/,
    message: 'names a host of one network',
  },
];
const binary = /\.(?:onnx|npz|npy|wasm|png|jpe?g|bmp|zip|gz|bin|pb)$/;

/**
 * Nothing that is tracked tells on which machine it was made.
 * @param {string} root
 * @returns {Problem[]}
 */
export function checkMachineTraces(root) {
  /** @type {Problem[]} */
  const problems = [];
  for (const file of trackedFiles(root).filter((file) => !binary.test(file))) {
    for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
      for (const { pattern, message } of traces) {
        const found = pattern.exec(line)?.[0];
        if (found) problems.push({ where: `${file}:${index + 1}`, message: `${message}: ${found}` });
      }
    }
  }
  return problems;
}
