// A task for the pool's tests: every worker counts what it has seen.
export function createTask({ offset, failAtStart }) {
  if (failAtStart) throw new Error('no task today');
  let seen = 0;
  return {
    async run({ value, delayMs = 0, action }) {
      if (action === 'crash') process.exit(3);
      if (action === 'fail')
        throw Object.assign(new Error('bad sample'), {
          name: 'QError',
          code: 'test.bad',
          issues: [{ code: 'test.bad', where: `sample ${value}` }],
        });
      if (action === 'throw') throw new TypeError('plain failure');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      seen++;
      return { value: value + offset, seen };
    },
  };
}
