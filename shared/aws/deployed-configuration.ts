import type * as z from 'zod';
import { ConfigurationError } from '../errors.ts';
import { parseJson } from '../parse-json.ts';

/** The environment variable that contains a deployed function's configuration, as JSON. */
export const CONFIGURATION_VARIABLE = 'CONSUMER_CONFIGURATION';

/**
 * Reads the configuration that the stack has put into the function's environment.
 *
 * @throws ConfigurationError that lists the path of each wrong value, and quotes no value
 */
export function readDeployedConfiguration<Schema extends z.ZodType>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.infer<Schema> {
  const text = environment[CONFIGURATION_VARIABLE];
  if (text === undefined) throw invalid('is missing');
  const value = parseJson(text);
  if (value === undefined) throw invalid('is not JSON');
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

function invalid(what: string): ConfigurationError {
  return new ConfigurationError('invalid-configuration', `${CONFIGURATION_VARIABLE} ${what}`, {
    nextStep: 'Deploy the stack again instead of editing the variable.',
  });
}
