import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../../../shared/logging.ts';
import type { Ordering } from '../local-consumer.ts';
import { databaseName, statementVerbs, wholeNumber } from './option-values.ts';

const DEFAULT_LAZY_CONCURRENCY = 11;
const LARGEST_LAZY_CONCURRENCY = 1000;
const ORDERINGS = ['entity', 'pool'] as const satisfies readonly Ordering[];

/** Options of every command. */
export interface CommonOptions {
  readonly registry: string;
  readonly ledgerDatabase: string;
  readonly logLevel: LogLevel;
  readonly json: boolean;
}

/** Options of the commands that consume. */
export interface ConsumeOptions extends CommonOptions {
  readonly ordering: Ordering;
  readonly lazyConcurrency: number;
  readonly allowedStatements: string[];
  /** Path of a file. */
  readonly bindings?: string;
}

/** What {@link ConsumeOptions} are where a command doesn't consume. */
export const CONSUME_DEFAULTS = {
  ordering: 'entity',
  lazyConcurrency: DEFAULT_LAZY_CONCURRENCY,
  allowedStatements: [],
} as const satisfies Partial<ConsumeOptions>;

export function addConsumeOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--ordering <rule>',
        "which statements keep the stream's order: those of one row, or all of a pool",
      )
        .choices(ORDERINGS)
        .default(CONSUME_DEFAULTS.ordering),
    )
    .addOption(
      new Option('--lazy-concurrency <batches>', 'batches of lazy SQL in flight at once, at most')
        .argParser(wholeNumber(1, LARGEST_LAZY_CONCURRENCY))
        .default(CONSUME_DEFAULTS.lazyConcurrency),
    )
    .addOption(
      new Option(
        '--allowed-statements <verbs>',
        'first words, with commas, of statements to let through besides INSERT, UPDATE, DELETE and REPLACE',
      )
        .argParser(statementVerbs)
        .default(CONSUME_DEFAULTS.allowedStatements, 'none'),
    )
    .option(
      '--bindings <file>',
      'streams and groups of the registry that handlers of your own consume (YAML): see docs/own-streams.md',
    );
}

export function addCommonOptions(command: Command): Command {
  return command
    .requiredOption('--registry <file>', "the application's BeeORM registry (YAML)")
    .addOption(
      new Option('--ledger-database <name>', 'database on each MySQL server that keeps what was applied')
        .argParser(databaseName)
        .default('background_consumer'),
    )
    .addOption(
      new Option('--log-level <level>', 'least level that is logged on standard error')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .option('--json', 'write exactly one JSON object on standard output; logs go to standard error', false);
}
