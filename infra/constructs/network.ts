import { Annotations } from 'aws-cdk-lib';
import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

const HTTPS = Port.tcp(443);

export interface NetworkProps {
  /** Default: one is made. */
  readonly vpc?: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  /** Default: true in a VPC that is made here. */
  readonly endpoints?: boolean;
}

/** Where the functions run: subnets, a closed security group for each side, and their ways to AWS's own services. */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly pollerSecurityGroup: SecurityGroup;
  readonly executorSecurityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = props.vpc ?? this.#createVpc();
    this.vpcSubnets = props.vpcSubnets ?? (props.vpc === undefined ? isolated : ownSubnets(props.vpc));
    this.pollerSecurityGroup = this.createSecurityGroup('Poller', 'Background consumer: poller');
    this.executorSecurityGroup = this.createSecurityGroup('Executor', 'Background consumer: SQL executor');
    if (props.endpoints ?? props.vpc === undefined) this.#createEndpoints();
    else this.#openHttps();
    if (props.endpoints === false && props.vpc === undefined) {
      Annotations.of(this).addWarningV2(
        'background-consumer:no-way-to-aws',
        'endpoints: without them a VPC that is made here has no way to Lambda and Secrets Manager; nothing is drained unless you make one.',
      );
    }
  }

  /** In how many zones there are subnets. */
  get zones(): number {
    return new Set(this.vpc.selectSubnets(this.vpcSubnets).availabilityZones).size;
  }

  /** Closed in both directions. */
  createSecurityGroup(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, `${id}SecurityGroup`, {
      vpc: this.vpc,
      description: describable(description),
      allowAllOutbound: false,
    });
  }

  #createVpc(): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.42.0.0/24'),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 26 }],
    });
    acknowledge(vpc, {
      'AwsSolutions-VPC7':
        'Flow logs cost more than the consumer itself; a team that needs them brings its own VPC.',
    });
    return vpc;
  }

  #createEndpoints(): void {
    const lambda = this.#createEndpoint('Lambda', InterfaceVpcEndpointAwsService.LAMBDA);
    const secrets = this.#createEndpoint('Secrets', InterfaceVpcEndpointAwsService.SECRETS_MANAGER);
    open(this.pollerSecurityGroup, lambda, HTTPS, 'invokes the SQL executor');
    open(this.pollerSecurityGroup, secrets, HTTPS, 'reads the secrets of Redis');
    open(this.executorSecurityGroup, secrets, HTTPS, 'reads the secrets of MySQL');
  }

  #createEndpoint(id: string, service: InterfaceVpcEndpointAwsService): ISecurityGroup {
    const securityGroup = this.createSecurityGroup(`${id}Endpoint`, `Background consumer: endpoint ${id}`);
    new InterfaceVpcEndpoint(this, `${id}Endpoint`, {
      vpc: this.vpc,
      service,
      subnets: this.vpcSubnets,
      securityGroups: [securityGroup],
      privateDnsEnabled: true,
      open: false,
    });
    return securityGroup;
  }

  /** Endpoints of the given VPC, or its NAT gateway: which, and under what address, can't be seen from here. */
  #openHttps(): void {
    for (const securityGroup of [this.pollerSecurityGroup, this.executorSecurityGroup])
      securityGroup.addEgressRule(Peer.anyIpv4(), HTTPS, 'services of AWS, by endpoint or NAT gateway');
  }
}

/** Opens a created server for those that stand outside: their own ways out are theirs to open. */
export function openForClients(to: SecurityGroup, clients: readonly ISecurityGroup[] = [], port: Port): void {
  for (const client of clients) to.addIngressRule(client, port, 'a client');
}

/** Opens both ends of one way, and nothing else. */
export function open(from: ISecurityGroup, to: ISecurityGroup, port: Port, description: string): void {
  from.addEgressRule(to, port, describable(description));
  to.addIngressRule(from, port, describable(description));
}

/** EC2 takes these characters alone, and says so only in the middle of a deploy; a pool's code may have others. */
export function describable(text: string): string {
  return text.replace(/[^A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]/g, '_').slice(0, 255);
}

const isolated: SubnetSelection = { subnetType: SubnetType.PRIVATE_ISOLATED };

function ownSubnets(vpc: IVpc): SubnetSelection {
  return vpc.privateSubnets.length > 0 ? { subnetType: SubnetType.PRIVATE_WITH_EGRESS } : isolated;
}
