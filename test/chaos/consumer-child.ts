import { enableCompileCache } from 'node:module';
import { childInstructionsSchema } from './child-instructions.ts';

/**
 * A consumer process that the campaign kills. It waits for its instructions, drains until the streams are empty, and
 * exits with 0. The campaign starts it ahead of time, so that it is ready when needed. A run starts hundreds of these
 * processes; the compile cache makes them start twice as fast.
 */
enableCompileCache();
const { drainUntilEmpty } = await import('./drain-until-empty.ts');

process.once('message', (message) => {
  drainUntilEmpty(childInstructionsSchema.parse(message), () => process.send?.('draining')).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// Without its parent the process has nothing left to do.
process.once('disconnect', () => process.exit(2));
