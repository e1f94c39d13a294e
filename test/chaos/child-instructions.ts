import * as z from 'zod';
import { MECHANISMS } from './safeguards.ts';

/**
 * Labelled moments at which a consumer can be ended or held up: of its poller (`FailpointName`), of its executor
 * (`ExecutorFailpoint`), between the two (`executor:page`: a page of rows has been read), and of the handler of own streams.
 */
export const POINTS = [
  'poller:locked',
  'poller:read',
  'poller:executed',
  'poller:logged',
  'poller:cross-pool',
  'poller:settled',
  'poller:indexed',
  'poller:trimmed',
  'poller:pruned',
  'poller:releasing',
  'executor:sent',
  'executor:claimed',
  'executor:executed',
  'executor:recorded',
  'executor:committed',
  'executor:answered',
  'executor:page',
  'handler:called',
  'handler:done',
] as const;
export type Point = (typeof POINTS)[number];

/** What a consumer process is told to do: sent to it as its first message. */
export const ordersSchema = z.object({
  registryYaml: z.string(),
  ordering: z.enum(['entity', 'pool']),
  /** Mechanisms that are switched off. */
  broken: z.array(z.enum(MECHANISMS)),
  /** The file in which the handler of own streams writes down what it has handled. */
  handledFile: z.string(),
  /** The signal that the process sends itself when it comes to the point for the `hit`th time. */
  end: z
    .object({ signal: z.enum(['SIGKILL', 'SIGSTOP']), point: z.enum(POINTS), hit: z.int().positive() })
    .nullable(),
  /** Seed of lost invocations between poller and executor; null: none is lost. */
  lossSeed: z.int().nullable(),
  /** Wait for new entries until the budget ends, rather than ending when the streams are empty. */
  isTail: z.boolean(),
  budgetMs: z.int().positive(),
});
export type Orders = z.infer<typeof ordersSchema>;
