import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A program in a separate process, so that it shares neither memory nor just-in-time compiled code with other programs. */
export interface ChildProgram {
  readonly process: ChildProcess;
  /** The JSON that the program wrote to stdout. If the program fails, rejects with what it wrote to stderr. */
  readonly result: Promise<unknown>;
}

/** `name` is the name of a file in `programs`; `flags` are command-line flags for Node. */
export function startProgram(
  { name, flags = [] }: { readonly name: string; readonly flags?: readonly string[] },
  ...parameters: readonly string[]
): ChildProgram {
  const file = `${import.meta.dirname}/programs/${name}.ts`;
  const child = spawn(process.execPath, [...process.execArgv, ...flags, file, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { process: child, result: readResult(child, name) };
}

async function readResult(child: ChildProcess, name: string): Promise<unknown> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error(`the program ${name} has no output streams`);
  const [output, errors] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`the program ${name} failed: ${errors.trim()}`);
  return JSON.parse(output);
}
