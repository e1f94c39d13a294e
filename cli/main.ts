/** The program `consumer`. For its usage, run `npm run --silent consumer -- --help`. */

import { openLocalConsumer } from './consumer/local-consumer.ts';
import { runProgram } from './program.ts';

// The reader of the output may close it early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const exitCode = await runProgram(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
  exitNow: (code) => process.exit(code),
  openConsumer: openLocalConsumer,
});
// An open connection must not keep the process alive after the result is reported.
process.exit(exitCode);
