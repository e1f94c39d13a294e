import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/**
 * Allows a function to read the secrets of its pools, and nothing else. Does not use `grantRead`, which loses the
 * encryption key of an imported secret: it grants to a principal "via Secrets Manager" that accepts no policies.
 */
export function grantSecrets(
  grantee: IFunction,
  pools: readonly { readonly secret: ISecret | undefined }[],
): void {
  for (const { secret } of pools) {
    if (secret === undefined) continue;
    grantee.addToRolePolicy(
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        // A partial ARN lacks the last six random characters.
        resources: [secret.secretFullArn ?? `${secret.secretArn}-??????`],
      }),
    );
    if (secret.encryptionKey === undefined) continue;
    grantee.addToRolePolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [secret.encryptionKey.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(grantee).region}.amazonaws.com` },
        },
      }),
    );
  }
}
