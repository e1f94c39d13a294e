import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/**
 * Lets a function read the secrets of its pools, and nothing else of them. Not by `grantRead`, which forgets the key of
 * an imported secret: it grants to a principal "via Secrets Manager" that takes no policies.
 */
export function grantSecrets(
  to: IFunction,
  pools: readonly { readonly secret: ISecret | undefined }[],
): void {
  for (const { secret } of pools) {
    if (secret === undefined) continue;
    to.addToRolePolicy(
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        // Of a partial ARN the six last characters are missing.
        resources: [secret.secretFullArn ?? `${secret.secretArn}-??????`],
      }),
    );
    if (secret.encryptionKey === undefined) continue;
    to.addToRolePolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [secret.encryptionKey.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(to).region}.amazonaws.com` },
        },
      }),
    );
  }
}
