import { parseCLI, startVitest } from 'vitest/node';

/** `npm test [-- ARGUMENTS]`: `vitest run` with those arguments, such as a part of a file's name, or `-t TITLE`. */
const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
const vitest = await startVitest('test', filter, options);
await vitest.close();
