import { type Command, Option } from 'commander';

/** Selects the consumer: one in this process that uses the servers of a registry, or a deployed one by its function. */
export interface TargetOptions {
  readonly registry?: string;
  /** Name or ARN. */
  readonly function?: string;
}

export function addTargetOptions(command: Command): Command {
  return command
    .option('--registry <file>', "the application's BeeORM registry (YAML)")
    .addOption(
      new Option(
        '--function <name>',
        'function of a deployed consumer, to use instead of --registry; its deployed settings apply',
      ).conflicts('registry'),
    )
    .hook('preAction', (_, action) => {
      const { registry, function: functionName }: TargetOptions = action.opts();
      if (functionName !== undefined) rejectSettings(action);
      if (registry !== undefined || functionName !== undefined) return;
      action.error("error: option '--registry <file>' or '--function <name>' is required");
    });
}

/** Settings of a consumer in this process. A deployed consumer has its own and would silently ignore these. */
const SETTINGS = [
  'absentGroups',
  'allowedStatements',
  'bindings',
  'lazyConcurrency',
  'ledgerDatabase',
  'ordering',
  'searchMapping',
];

function rejectSettings(action: Command): void {
  const given = action.options.filter(
    (option) =>
      SETTINGS.includes(option.attributeName()) &&
      action.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const [first] = given;
  if (first === undefined) return;
  action.error(
    `error: option '${first.flags}' cannot be used with '--function <name>': a deployed consumer uses its deployed settings`,
  );
}
