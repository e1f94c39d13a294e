/** The program `consumer`: see `npm run --silent consumer -- --help`. */

import { openLocalConsumer } from './consumer/local-consumer.ts';
import { runProgram } from './program.ts';

// Whoever reads the output may stop early, as `head` does.
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
// What a server left open must not keep the program alive once its work is done and reported.
process.exit(exitCode);
