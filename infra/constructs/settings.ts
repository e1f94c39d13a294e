import * as z from 'zod';
import { ABSENT_GROUPS_RULES, ORDERING_RULES } from '../../shared/drain-rules.ts';

/** The retention periods that CloudWatch Logs accepts. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653];

/** Minimum time between the poller's budget and its timeout: for metrics, the reply, and a drain that ends late. */
const MIN_TIMEOUT_MARGIN_SECONDS = 5;

const seconds = (min: number, max: number) => z.int().min(min).max(max);

/**
 * All settings that are a number, a word or a switch. Each one has a default, and each one can be set on the command
 * line, as in `cdk deploy -c lazyConcurrency=20`.
 */
const settingsShape = z.strictObject({
  /** Maximum number of batches in flight, and therefore of concurrent executors (plus up to 3 spare ones). */
  lazyConcurrency: z.int().min(1).max(1000).default(11),
  /** Also reserves that concurrency (plus 3) for the executor. The account must have that much unreserved. */
  reserveExecutor: z.boolean().default(false),
  /**
   * Makes Lambda itself reject a second poller, and adds a second function that answers operations. The lock in Redis
   * already keeps a second poller from draining.
   */
  reservePoller: z.boolean().default(false),
  /** Minutes between two runs of the poller. */
  scheduleMinutes: z.int().min(1).max(60).default(1),
  /** Maximum duration of a run, in seconds. */
  budgetSeconds: seconds(5, 890).default(50),
  /** Keeps a run reading until its budget ends, instead of stopping when the streams are empty: shorter waits. */
  tail: z.boolean().default(false),
  /** False disables the schedule. Entries then wait in their streams. */
  enabled: z.boolean().default(true),
  /** Which statements keep the order of the stream: those that depend on each other (`entity`), or all of a pool (`pool`). */
  ordering: z.enum(ORDERING_RULES).default('entity'),
  /** Maximum number of statements in a batch. */
  batchItems: z.int().min(1).max(1000).default(500),
  /** Verbs to allow in addition to INSERT, UPDATE, DELETE and REPLACE. */
  allowedStatements: z.array(z.string().regex(/^[A-Z]+$/, 'expected a verb in upper case')).default([]),
  /** Name of the database on each MySQL server that holds the ledger, the record of applied batches. */
  ledgerDatabase: z
    .string()
    .regex(/^\w{1,64}$/, 'expected at most 64 letters, digits and underscores')
    .default('background_consumer'),
  /** True if trimming waits for a group that is in the registry but does not exist on the stream (yet). */
  absentGroups: z.enum(ABSENT_GROUPS_RULES).default('hold'),
  /** Default: `budgetSeconds` plus 10. */
  pollerTimeoutSeconds: seconds(10, 900).optional(),
  executorTimeoutSeconds: seconds(10, 900).default(60),
  pollerMemoryMb: z.int().min(256).max(10_240).default(1024),
  executorMemoryMb: z.int().min(256).max(10_240).default(512),
  architecture: z.enum(['arm64', 'x86_64']).default('arm64'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  logRetentionDays: z
    .int()
    .refine((days) => RETENTION_DAYS.includes(days), `expected one of ${RETENTION_DAYS.join(', ')}`)
    .default(30),
  /** How long a secret is cached in memory. A rejected login reads the secret again at once. */
  secretMaxAgeSeconds: seconds(0, 3600).default(300),
  /** Age of the oldest unsettled entry at which an alarm fires. */
  oldestEntryAlarmMinutes: z.int().min(1).max(1440).default(15),
  /** What happens to created servers and to logs when the stack is deleted. */
  removal: z.enum(['retain', 'destroy']).default('retain'),
});

/** The settings as the caller passes them: all optional. The schema has the meaning, default and range of each. */
export type SettingsInput = z.input<typeof settingsShape>;
export type Settings = z.output<typeof settingsShape> & { readonly pollerTimeoutSeconds: number };

export const SETTING_NAMES: ReadonlySet<string> = new Set(Object.keys(settingsShape.shape));

const settingsSchema = settingsShape.transform((settings, context): Settings => {
  const { budgetSeconds, pollerTimeoutSeconds = Math.min(900, budgetSeconds + 10) } = settings;
  if (budgetSeconds + MIN_TIMEOUT_MARGIN_SECONDS > pollerTimeoutSeconds) {
    context.issues.push({
      code: 'custom',
      path: ['budgetSeconds'],
      input: budgetSeconds,
      message: `must be at least ${MIN_TIMEOUT_MARGIN_SECONDS} below pollerTimeoutSeconds, which is ${pollerTimeoutSeconds}`,
    });
  }
  return { ...settings, pollerTimeoutSeconds };
});

/** @throws z.ZodError that names the path of each invalid setting */
export function parseSettings(input: SettingsInput): Settings {
  // An explicit undefined means the default.
  return settingsSchema.parse(
    Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)),
  );
}
