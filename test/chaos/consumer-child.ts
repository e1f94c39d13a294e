import { enableCompileCache } from 'node:module';
import { ordersSchema } from './child-instructions.ts';

/**
 * A consumer process to be killed. It begins with its first message, its orders, and exits with 0 when it has drained
 * everything. Started ahead, it is ready when it is needed. A run starts hundreds of these: compiled once, they start
 * twice as fast.
 */
enableCompileCache();
const { drainUntilEmpty } = await import('./drain-until-empty.ts');

process.once('message', (message) => {
  drainUntilEmpty(ordersSchema.parse(message), () => process.send?.('draining')).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// Who is left alone by its parent has nothing more to do.
process.once('disconnect', () => process.exit(2));
