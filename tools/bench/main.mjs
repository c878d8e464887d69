// usage: npm run bench -- [NAME…]   without names: every bench; a name selects all figures that begin with it
import { readdir } from 'node:fs/promises';

const folder = new URL('./benches/', import.meta.url);
const wanted = process.argv.slice(2).filter((word) => word !== '--');
const modules = await Promise.all((await readdir(folder)).sort().map((file) => import(new URL(file, folder).href)));
const benches = modules.flatMap((module) => module.benches);
const chosen =
  wanted.length === 0 ? benches : benches.filter((bench) => wanted.some((word) => bench.name.startsWith(word)));

if (chosen.length === 0) {
  console.error(
    `no bench is called ${wanted.join(' or ')}; there are:\n${benches.map((bench) => `  ${bench.name}: ${bench.summary}`).join('\n')}`,
  );
  process.exit(2);
}
let failures = 0;
for (const bench of chosen) {
  process.stderr.write(`${bench.name}: ${bench.summary}\n`);
  try {
    await bench.run();
  } catch (error) {
    failures++;
    process.stderr.write(`${bench.name}: failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
process.exit(failures === 0 ? 0 : 1);
