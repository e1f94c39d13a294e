import { ConfigurationError } from '../errors.ts';

/** One thing that is wrong with a registry. */
export interface RegistryProblem {
  /** Path of keys, such as `default.redis`; empty for the whole file. */
  readonly path: string;
  /** Line number from 1; absent if the problem has no single location. */
  readonly line?: number | undefined;
  /** Description of the wrong value, with passwords masked. */
  readonly found: string;
  readonly expected: string;
}

/** The result of parsing a value, or a description of what was expected instead. */
export type Parsed<Value> = { readonly value: Value } | { readonly expected: string };

/** A registry that cannot be used. Its message lists all problems on one line. */
export class RegistryError extends ConfigurationError {
  override readonly name = 'RegistryError';
  readonly problems: readonly RegistryProblem[];

  constructor(source: string, problems: readonly RegistryProblem[], nextStep: string) {
    super('invalid-registry', problems.map((problem) => describe(source, problem)).join('; '), { nextStep });
    this.problems = problems;
  }
}

function describe(source: string, { path, line, found, expected }: RegistryProblem): string {
  const location = line === undefined ? source : `${source}:${line}`;
  return `${location}: ${path === '' ? '' : `${path} is `}${found}, expected ${expected}`;
}
