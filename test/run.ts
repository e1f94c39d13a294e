import { parseCLI, startVitest } from 'vitest/node';
import { findLocalStackSource, LOCALSTACK_REQUIREMENTS } from '../infra/localstack/source.ts';

/** `npm test [-- ARGUMENTS]` runs `vitest run` with the arguments, such as a part of a file's name, or `-t TITLE`. */
const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
const vitest = await startVitest('test', filter, options);
const isForLocalStack = vitest.state
  .getTestModules()
  .some(({ project }) => project.name.startsWith('localstack'));
if (isForLocalStack && findLocalStackSource() === undefined)
  console.log(`The tests on LocalStack were skipped. ${LOCALSTACK_REQUIREMENTS}`);
await vitest.close();
