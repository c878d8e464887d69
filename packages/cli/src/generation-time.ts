/**
 * The time that goes into file headers: `YYYY-MM-DD HH:MM:SS.ffffff` (calibration.md 8.2). With SOURCE_DATE_EPOCH set it
 * is that second in UTC, so that the same input gives the same bytes; otherwise it is the local time.
 */
export function generationTime(environment: NodeJS.ProcessEnv = process.env, now: Date = new Date()): string {
  const epoch = environment.SOURCE_DATE_EPOCH;
  if (epoch !== undefined && /^\d+$/.test(epoch)) {
    return `${new Date(Number(epoch) * 1000).toISOString().slice(0, 19).replace('T', ' ')}.000000`;
  }
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `${date} ${time}.${String(now.getMilliseconds()).padStart(3, '0')}000`;
}
