import { type Command, Option } from 'commander';

/** Which consumer is meant: one in this process over the servers of a registry, or a deployed one by its function. */
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
        "a deployed consumer's function, in place of a registry; its own settings hold",
      ).conflicts('registry'),
    )
    .hook('preAction', (_, action) => {
      const { registry, function: functionName }: TargetOptions = action.opts();
      if (functionName !== undefined) refuseItsSettings(action);
      if (registry !== undefined || functionName !== undefined) return;
      action.error("error: required option '--registry <file>' not specified, nor '--function <name>'");
    });
}

/** Settings of a consumer in this process. A deployed one has its own, and would pass over them without a word. */
const SETTINGS = [
  'absentGroups',
  'allowedStatements',
  'bindings',
  'lazyConcurrency',
  'ledgerDatabase',
  'ordering',
  'searchMapping',
];

function refuseItsSettings(action: Command): void {
  const given = action.options.filter(
    (option) =>
      SETTINGS.includes(option.attributeName()) &&
      action.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const [first] = given;
  if (first === undefined) return;
  action.error(
    `error: option '${first.flags}' cannot be used with '--function <name>': a deployed consumer has its own`,
  );
}
