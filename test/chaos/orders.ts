import * as z from 'zod';

/**
 * Labelled moments at which a consumer of lazy and log entries can be ended or held up: of its poller (`PollerPoint`), of
 * its executor (`AtPoint`), and between the two.
 */
export const POINTS = [
  'poller:locked',
  'poller:read',
  'poller:executed',
  'poller:logged',
  'poller:elsewhere',
  'poller:settled',
  'poller:pruned',
  'poller:releasing',
  'executor:sent',
  'executor:claimed',
  'executor:executed',
  'executor:recorded',
  'executor:committed',
  'executor:answered',
] as const;
export type Point = (typeof POINTS)[number];

/** A mechanism that can be switched off, to see that its absence is noticed. */
export const MECHANISMS = ['ledger', 'fence', 'settle', 'order'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** What a consumer process is told to do: sent to it as its first message. */
export const ordersSchema = z.object({
  registryYaml: z.string(),
  ordering: z.enum(['entity', 'pool']),
  broken: z.enum(MECHANISMS).nullable(),
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
