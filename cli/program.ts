import { Command, CommanderError } from 'commander';
import { deadLettersCommand } from './commands/dead-letters-command.ts';
import { drainCommand } from './commands/drain-command.ts';
import { runCommand } from './commands/run-command.ts';
import { statusCommand } from './commands/status-command.ts';
import type { ProgramContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { describeError, FailedWhileWriting, writeErrorObject } from './output/errors.ts';

/**
 * Runs the program `consumer`.
 *
 * @param programArguments without the paths of Node and the script
 * @returns the exit code
 */
export async function runProgram(
  programArguments: readonly string[],
  context: ProgramContext,
): Promise<number> {
  let exitCode: number = EXIT_CODES.done;
  const onExit = (code: number): void => {
    exitCode = code;
  };
  const program = new Command('consumer')
    .description("Consumes a BeeORM application's Redis Streams into MySQL.")
    .addCommand(drainCommand(context, onExit))
    .addCommand(runCommand(context, onExit))
    .addCommand(deadLettersCommand(context, onExit))
    .addCommand(statusCommand(context, onExit));
  inheritSettings(program, context);
  try {
    await program.parseAsync(programArguments, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === EXIT_CODES.done) return EXIT_CODES.done; // --help
    // Commander has written its own errors.
    if (!(error instanceof CommanderError)) context.stderr.write(`error: ${describeError(causeOf(error))}\n`);
    const needsObject = programArguments.includes('--json') && !(error instanceof FailedWhileWriting);
    if (needsObject) writeErrorObject(context.stdout, error);
    return error instanceof CommanderError ? error.exitCode : EXIT_CODES.error;
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof FailedWhileWriting ? error.cause : error;
}

/** Makes the command and its subcommands throw errors instead of exiting the process. */
function inheritSettings(
  command: Command,
  { stdout, stderr }: Pick<ProgramContext, 'stdout' | 'stderr'>,
): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .showHelpAfterError(`Run \`${fullName(command)} --help\` for usage.`);
  for (const subcommand of command.commands) inheritSettings(subcommand, { stdout, stderr });
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
