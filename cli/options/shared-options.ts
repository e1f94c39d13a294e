import { type Command, Option } from 'commander';
import {
  ABSENT_GROUPS_RULES,
  type AbsentGroups,
  ORDERING_RULES,
  type OrderingRule,
} from '../../shared/drain-rules.ts';
import { LOG_LEVELS, type LogLevel } from '../../shared/logging.ts';
import { databaseName, statementVerbs, wholeNumber } from './option-values.ts';

const DEFAULT_LAZY_CONCURRENCY = 11;
const MAX_LAZY_CONCURRENCY = 1000;

/** Options of every command. */
export interface OutputOptions {
  readonly ledgerDatabase: string;
  readonly logLevel: LogLevel;
  readonly json: boolean;
}

/** Options of the commands that consume. */
export interface ConsumeOptions extends OutputOptions {
  readonly ordering: OrderingRule;
  readonly lazyConcurrency: number;
  readonly allowedStatements: string[];
  /** Path of a file. */
  readonly bindings?: string;
  /** Path of a file. */
  readonly searchMapping?: string;
  readonly absentGroups: AbsentGroups;
}

/** Defaults of {@link ConsumeOptions}, also for commands that do not consume. */
export const CONSUME_DEFAULTS = {
  ordering: 'entity',
  lazyConcurrency: DEFAULT_LAZY_CONCURRENCY,
  allowedStatements: [],
  absentGroups: 'hold',
} as const satisfies Partial<ConsumeOptions>;

export function addBindingsOption(command: Command): Command {
  return command.option('--bindings <file>', 'handlers for your own streams (YAML): see docs/own-streams.md');
}

export function addConsumeOptions(command: Command): Command {
  return addBindingsOption(command)
    .addOption(
      new Option(
        '--ordering <rule>',
        'which statements keep their stream order: those that depend on each other (entity), or all statements of a MySQL pool (pool)',
      )
        .choices(ORDERING_RULES)
        .default(CONSUME_DEFAULTS.ordering),
    )
    .addOption(
      new Option('--lazy-concurrency <batches>', 'maximum number of lazy SQL batches in flight')
        .argParser(wholeNumber(1, MAX_LAZY_CONCURRENCY))
        .default(CONSUME_DEFAULTS.lazyConcurrency),
    )
    .addOption(
      new Option(
        '--allowed-statements <verbs>',
        'SQL verbs to allow in addition to INSERT, UPDATE, DELETE and REPLACE, separated by commas',
      )
        .argParser(statementVerbs)
        .default(CONSUME_DEFAULTS.allowedStatements, 'none'),
    )
    .option(
      '--search-mapping <file>',
      'definitions of search indexes that cannot be derived from Redis and MySQL (YAML): see docs/search.md',
    )
    .addOption(
      new Option(
        '--absent-groups <rule>',
        "if a registered group does not exist on its stream: keep the stream's entries (hold), or allow trimming (ignore)",
      )
        .choices(ABSENT_GROUPS_RULES)
        .default(CONSUME_DEFAULTS.absentGroups),
    )
    .addHelpText('after', BINDINGS_HELP);
}

const BINDINGS_HELP = `
A handler receives the entries of one stream and group, in the format of an SQS event.
An example --bindings file:
  bindings:
    - stream: order-changed          # stream and group as in the registry
      group: mailer
      handler: { kind: module, path: ./mailer.ts }       # or { kind: lambda, functionName: mailer }
An example mailer.ts, in the same directory:
  export const handler = async ({ Records }) => {
    for (const { messageId, body } of Records) console.error(messageId, JSON.parse(body));
  };
See examples/own-stream for a complete example, and docs/own-streams.md for all settings.`;

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--ledger-database <name>',
        'database on each MySQL server that records which statements were applied',
      )
        .argParser(databaseName)
        .default('background_consumer'),
    )
    .addOption(
      new Option('--log-level <level>', 'minimum level of log messages on standard error')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .option('--json', 'write exactly one JSON object to standard output; logs go to standard error', false);
}
