import { existsSync, readFileSync } from 'node:fs';

const ARENA_BYTES = 64 << 20;

/**
 * Resident bytes of this process by what the mappings are for, from /proc/self/smaps; undefined elsewhere than on Linux.
 *
 * @param {number} [memoryBytes] size of the kernels' memory, by which its mapping is known
 */
export function residentParts(memoryBytes) {
  const path = '/proc/self/smaps';
  if (!existsSync(path)) return undefined;
  const parts = { kernel_memory: 0, c_library: 0, engine_heap_and_buffers: 0, machine_code: 0, pages_of_files: 0 };
  let part = 'pages_of_files';
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const mapping = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (mapping !== null) part = partOf(mapping, memoryBytes);
    const resident = /^Rss:\s+(\d+) kB/.exec(line);
    if (resident !== null) parts[part] += Number(resident[1]) * 1024;
  }
  return parts;
}

function partOf([, from, to, access, name], memoryBytes) {
  const start = Number.parseInt(from, 16);
  if (name === '[heap]') return 'c_library';
  if (name !== '') return 'pages_of_files';
  if (access.includes('x')) return 'machine_code';
  if (Number.parseInt(to, 16) - start === memoryBytes) return 'kernel_memory';
  // glibc aligns the arenas of threads to their greatest size; kernels' memories are aligned so, too.
  return start % ARENA_BYTES === 0 && start > 2 ** 46 ? 'c_library' : 'engine_heap_and_buffers';
}
