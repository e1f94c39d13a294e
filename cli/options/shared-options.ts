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

/** What {@link ConsumeOptions} are where a command doesn't consume. */
export const CONSUME_DEFAULTS = {
  ordering: 'entity',
  lazyConcurrency: DEFAULT_LAZY_CONCURRENCY,
  allowedStatements: [],
  absentGroups: 'hold',
} as const satisfies Partial<ConsumeOptions>;

export function addBindingsOption(command: Command): Command {
  return command.option(
    '--bindings <file>',
    'streams and groups of the registry that handlers of your own consume (YAML): see docs/own-streams.md',
  );
}

export function addConsumeOptions(command: Command): Command {
  return addBindingsOption(command)
    .addOption(
      new Option(
        '--ordering <rule>',
        "which statements keep the stream's order: those of one row, or all of a pool",
      )
        .choices(ORDERING_RULES)
        .default(CONSUME_DEFAULTS.ordering),
    )
    .addOption(
      new Option('--lazy-concurrency <batches>', 'batches of lazy SQL in flight at once, at most')
        .argParser(wholeNumber(1, MAX_LAZY_CONCURRENCY))
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
      '--search-mapping <file>',
      "what search indexes consist of, where it can't be derived from Redis and MySQL (YAML): see docs/search.md",
    )
    .addOption(
      new Option(
        '--absent-groups <rule>',
        "whether a registered group that doesn't exist on its stream holds back the stream's trimming",
      )
        .choices(ABSENT_GROUPS_RULES)
        .default(CONSUME_DEFAULTS.absentGroups),
    )
    .addHelpText('after', BINDINGS_HELP);
}

const BINDINGS_HELP = `
A handler of your own gets the entries of a stream's group, as one for an SQS queue does. In the file of --bindings:
  bindings:
    - stream: order-changed          # both as the registry names them
      group: mailer
      handler: { kind: module, path: ./mailer.ts }       # or { kind: lambda, functionName: mailer }
and in mailer.ts, beside that file:
  export const handler = async ({ Records }) => {
    for (const { messageId, body } of Records) console.error(messageId, JSON.parse(body));
  };
examples/own-stream is a complete one, docs/own-streams.md has all settings.`;

export function addOutputOptions(command: Command): Command {
  return command
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
