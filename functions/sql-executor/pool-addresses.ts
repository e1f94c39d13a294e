import { readPoolSecret } from '../../shared/aws/pool-secret.ts';
import type { SecretReader } from '../../shared/aws/secret-reader.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import type { DeployedMysqlPool } from './aws/configuration.ts';

/** A deployed pool's address with what its secret says. */
export async function resolveMysqlPool(
  code: string,
  { secret, isAddressGiven, parameters, ...address }: DeployedMysqlPool,
  secrets: SecretReader,
  options: { readonly isFresh: boolean },
): Promise<MysqlPool> {
  const settings = { ...(secret === undefined ? {} : { secret }), isAddressGiven };
  const known = await readPoolSecret(secrets, settings, options);
  return { code, password: '', ...address, ...known, parameters: new Map(Object.entries(parameters)) };
}
