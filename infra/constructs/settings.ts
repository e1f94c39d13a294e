import * as z from 'zod';

const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653];

/** Kept between the poller's budget and its timeout: for metrics, the reply, and a drain that ends late. */
const MIN_SPARE_SECONDS = 5;

const seconds = (least: number, most: number) => z.int().min(least).max(most);

/**
 * Everything that is tuned by a number, a word or a switch. Each has a default, so none must be given; each can be set
 * on the command line, as in `cdk deploy -c lazyConcurrency=20`.
 */
const settingsShape = z.strictObject({
  /** Batches in flight at once, at most, and so executors that run beside each other. */
  lazyConcurrency: z.int().min(1).max(1000).default(11),
  /** Also reserves that many (and 3) environments for the executor. An account must have them to give away. */
  reserveExecutor: z.boolean().default(false),
  /** Lets Lambda itself refuse a second poller. Operations go to a second function then. The lock does it anyway. */
  reservePoller: z.boolean().default(false),
  /** Minutes from one run of the poller to the next. */
  scheduleMinutes: z.int().min(1).max(60).default(1),
  /** How long one run may take, in seconds. */
  budgetSeconds: seconds(5, 890).default(50),
  /** Keeps a run reading until its budget ends, rather than until the streams are empty: entries wait less. */
  tail: z.boolean().default(false),
  /** False pauses: the schedule is off, entries stay in their streams. */
  enabled: z.boolean().default(true),
  /** Which statements keep the stream's order: those of one row, or all of a pool. */
  ordering: z.enum(['entity', 'pool']).default('entity'),
  /** Statements in one batch, at most. */
  batchItems: z.int().min(1).max(1000).default(500),
  /** Verbs to let through besides INSERT, UPDATE, DELETE and REPLACE. */
  allowedStatements: z.array(z.string().regex(/^[A-Z]+$/, 'a verb in upper case')).default([]),
  /** Database on each MySQL server that keeps what was applied. */
  ledgerDatabase: z
    .string()
    .regex(/^\w{1,64}$/, 'letters, digits and _')
    .default('background_consumer'),
  /** Whether entries stay for a group that the registry names and that doesn't exist on the stream (yet). */
  absentGroups: z.enum(['hold', 'ignore']).default('hold'),
  /** Default: the budget and 10 seconds. */
  pollerTimeoutSeconds: seconds(10, 900).optional(),
  executorTimeoutSeconds: seconds(10, 900).default(60),
  pollerMemoryMb: z.int().min(256).max(10_240).default(1024),
  executorMemoryMb: z.int().min(256).max(10_240).default(512),
  architecture: z.enum(['arm64', 'x86_64']).default('arm64'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  logRetentionDays: z
    .int()
    .refine((days) => RETENTION_DAYS.includes(days), `one of ${RETENTION_DAYS.join(', ')}`)
    .default(30),
  /** How long a secret is kept in memory; a refused login reads it afresh at once. */
  secretMaxAgeSeconds: seconds(0, 3600).default(300),
  /** How old the oldest entry that is not settled may become before an alarm. */
  oldestEntryAlarmMinutes: z.int().min(1).max(1440).default(15),
  /** What becomes of created pools and of logs when the stack is deleted. */
  removal: z.enum(['retain', 'destroy']).default('retain'),
});

/** Given by the caller: all optional. See the schema for each one's meaning, default and range. */
export type SettingsInput = z.input<typeof settingsShape>;
export type Settings = z.output<typeof settingsShape> & { readonly pollerTimeoutSeconds: number };

export const SETTING_NAMES: ReadonlySet<string> = new Set(Object.keys(settingsShape.shape));

const settingsSchema = settingsShape.transform((settings, context): Settings => {
  const { budgetSeconds, pollerTimeoutSeconds = Math.min(900, budgetSeconds + 10) } = settings;
  if (budgetSeconds + MIN_SPARE_SECONDS > pollerTimeoutSeconds) {
    context.issues.push({
      code: 'custom',
      path: ['budgetSeconds'],
      input: budgetSeconds,
      message: `must be at least ${MIN_SPARE_SECONDS} below pollerTimeoutSeconds, which is ${pollerTimeoutSeconds}`,
    });
  }
  return { ...settings, pollerTimeoutSeconds };
});

/** @throws z.ZodError that names the path of each wrong one */
export function parseSettings(given: SettingsInput): Settings {
  // An explicit undefined means the default.
  return settingsSchema.parse(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  );
}
