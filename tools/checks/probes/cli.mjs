import { execFileSync } from 'node:child_process';

/** The command that npm links, as a user calls it. */
export default async function probe() {
  const command = process.platform === 'win32' ? 'q.cmd' : 'q';
  const text = execFileSync(`node_modules/.bin/${command}`, ['--help'], { encoding: 'utf8' });
  for (const name of ['model_transform', 'run_calibration', 'model_deploy', 'quantize']) {
    if (!text.includes(name)) throw new Error(`q --help does not mention ${name}`);
  }
}
