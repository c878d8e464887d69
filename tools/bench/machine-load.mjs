import { existsSync, readFileSync } from 'node:fs';

/**
 * Watches who has the processors; the answer is a function for later: of all processor time since, the shares that other
 * processes and (on a virtual machine) the host took. Undefined elsewhere than on Linux.
 */
export function watchMachine() {
  const before = snapshot();
  return () => {
    const now = snapshot();
    if (before === undefined || now === undefined) return undefined;
    const [all, busy, stolen, own] = now.map((value, at) => value - before[at]);
    const share = (ticks) => Number(Math.max(0, ticks / all).toPrecision(2));
    return { others: share(busy - own), stolen: share(stolen) };
  };
}

/** Ticks of 10 ms: of all processors, busy, stolen, and of this process with its workers. */
function snapshot() {
  if (!existsSync('/proc/stat')) return undefined;
  const [first] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user, nice, system, idle, wait, irq, softirq, stolen] = first.trim().split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + irq + softirq;
  const own = process.cpuUsage();
  return [busy + idle + wait + stolen, busy, stolen, (own.user + own.system) / 10_000];
}
