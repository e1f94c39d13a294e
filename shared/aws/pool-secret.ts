import * as z from 'zod';
import { ConfigurationError } from '../errors.ts';
import { parseJson } from '../parse-json.ts';
import type { SecretReader } from './secret-reader.ts';

/** The content of a pool's secret. It takes precedence over the registry. */
export interface PoolSecret {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
}

/**
 * Reads the secret of a pool.
 *
 * @param isAddressGiven true: leaves out the secret's host and port, because the settings' own take precedence
 * @throws ConfigurationError or ConnectionError, see {@link SecretReader}
 */
export async function readPoolSecret(
  secrets: SecretReader,
  { secret, isAddressGiven }: { readonly secret?: string; readonly isAddressGiven: boolean },
  options: { readonly isFresh: boolean },
): Promise<PoolSecret> {
  if (secret === undefined) return {};
  const { host, port, ...login } = parsePoolSecret(await secrets.read(secret, options), secret);
  if (isAddressGiven) return login;
  return { ...login, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

/**
 * The form of the secrets that RDS and ElastiCache write. `username` and `user` mean the same. Other keys are ignored.
 */
const secretSchema = z.object({
  host: z.string().min(1).exactOptional(),
  port: z.coerce.number().int().min(1).max(65_535).exactOptional(),
  username: z.string().exactOptional(),
  user: z.string().exactOptional(),
  password: z.string().exactOptional(),
});

/**
 * Parses the text of a pool's secret: JSON with `username`, `password` and optionally `host` and `port`. Any other text
 * is the password itself.
 *
 * @throws ConfigurationError that quotes nothing of the secret
 */
export function parsePoolSecret(text: string, id: string): PoolSecret {
  if (!text.trimStart().startsWith('{')) return { password: text };
  const parsed = secretSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const keys = parsed.error.issues.map(({ path }) => path.join('.')).filter(Boolean);
    const what = keys.length === 0 ? 'is not JSON' : `has an invalid ${keys.join(', ')}`;
    throw new ConfigurationError('invalid-secret', `secret ${id} ${what}`, {
      nextStep: 'Store JSON with "username" and "password", or the password alone.',
    });
  }
  const { username, user = username, ...rest } = parsed.data;
  return user === undefined ? rest : { ...rest, user };
}
