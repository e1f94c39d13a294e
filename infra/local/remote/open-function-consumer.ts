import type { LocalConsumer } from '../../../cli/consumer/consumer.ts';
import { FunctionConsumer } from '../../../cli/consumer/function-consumer.ts';

/** A deployed consumer in the place of one in this process. Its own settings hold; it tells no progress. */
export function openFunctionConsumer(functionName: string): LocalConsumer {
  const consumer = new FunctionConsumer(functionName);
  return {
    drain: ({ budgetMs, tail = false }) => consumer.drain(budgetMs, tail),
    deadLetters: consumer,
    status: () => consumer.status(),
    close: () => Promise.resolve(consumer.close()),
  };
}
