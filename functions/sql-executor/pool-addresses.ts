import { parsePoolSecret } from '../../shared/aws/pool-secret.ts';
import type { SecretReader } from '../../shared/aws/secret-reader.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import type { DeployedMysqlPool } from './configuration.ts';

/** A deployed pool's address with what its secret says. */
export async function resolveMysqlPool(
  code: string,
  { secret, parameters, ...address }: DeployedMysqlPool,
  secrets: SecretReader,
  options: { readonly isFresh: boolean },
): Promise<MysqlPool> {
  const known = secret === undefined ? {} : parsePoolSecret(await secrets.read(secret, options), secret);
  return { code, password: '', ...address, ...known, parameters: new Map(Object.entries(parameters)) };
}
